"""A made-up stack behind the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cutout.cli.aws.stack import Sent, StackOutputs
from cutout.cli.aws.stack_metrics import ENDS, OPEN, Numbers
from cutout.cli.compose import operate
from cutout.cli.photo_files import Photo
from cutout.domain.gate import DEFAULT_LIMITS, Gate
from cutout.domain.job.job import Job
from cutout.domain.job.variant import Variant, replaced
from cutout.domain.messages import RenderRequest
from cutout.domain.object_keys import REVIEW_FOLDER
from cutout.domain.states import State
from cutout.operator.audit import Rules
from cutout.operator.control import Control
from cutout.ports.jobs_table import BacklogStatus
from cutout.usecases.submit.register_upload import UploadFilter
from cutout.wiring.ports import GatePorts
from tests.support.cli.clock import HandClock
from tests.support.cli.jobs import PNG, RESULTS, UPLOADS, WAY, make_job
from tests.support.fakes.jobs import MemoryJobs
from tests.support.fakes.listing import MemoryIntake, MemoryObjects, MemoryTransfers
from tests.support.fakes.queues import MemorySubmissions


class ScriptedStack:
    """A stack whose jobs take one step each time that one looks."""

    def __init__(
        self, *, ends: Mapping[str, Job] | None = None, unseen: Iterable[str] = ()
    ) -> None:
        self.ends = dict(ends or {})
        self.unseen = set(unseen)
        self.clock = HandClock()
        self.jobs = MemoryJobs(self.clock)
        self.submissions = MemorySubmissions()
        self.uploaded: list[Photo] = []
        self.looks = 0
        self.wishes: list[RenderRequest] = []
        self.problems: dict[str, str] = {}
        self.never: set[str] = set()
        self.fetched: list[str] = []
        self.known: list[Job] = []
        self.cut_out = PNG
        self.watched = ""
        self.buckets: dict[str, MemoryObjects] = {}
        self.uncopied: dict[str, str] = {}
        self.queued = MemoryIntake()
        self.backlog = BacklogStatus(waiting=0, waiting_since=None, in_flight_since=None)

    @property
    def where(self) -> str:
        """In words."""
        return "a made-up stack"

    @property
    def outputs(self) -> StackOutputs:
        """Made-up names."""
        return StackOutputs(
            uploads_bucket=UPLOADS,
            results_bucket=RESULTS,
            jobs_table="the-jobs",
            submissions_queue_url="the-submissions",
            callbacks_queue_url="the-callbacks",
            recipes=("market", "web"),
        )

    def renders(self) -> ScriptedStack:
        """Return the queue for wishes for variants: itself."""
        return self

    def render(self, requests: Sequence[RenderRequest], *, delay: timedelta = timedelta(0)) -> None:
        """Make what is asked for at once, as the test says it ends."""
        assert delay == timedelta(0)
        self.wishes += requests
        for request in requests:
            job = self.jobs.jobs[request.job_id]
            made = tuple(self.makes(name) for name in request.recipes if name not in self.never)
            self.jobs.save(replace(job, variants=replaced(job.variants, made)))

    def makes(self, name: str) -> Variant:
        """A variant, made now, or the problem that the test names."""
        problem = self.problems.get(name)
        return Variant(
            recipe=name,
            format="jpg",
            made_at=self.clock.now(),
            key=None if problem else f"a.{name}.jpg",
            width=20,
            height=10,
            problem=problem,
        )

    def fetch(self, key: str, target: Path) -> None:
        """Write an object of the results bucket."""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.cut_out)
        self.fetched.append(key)

    def numbers(self) -> Numbers:
        """Count the jobs that the test made known."""
        counts = Counter(job.state for job in self.known)
        return Numbers(
            at=self.clock.now(),
            gate=self.gate(),
            backlog=self.backlog,
            now={state: counts[state] for state in OPEN},
            lately={state: counts[state] for state in ENDS},
        )

    def gate(self) -> Gate:
        """Return the gate as the test or a command left it."""
        return self.jobs.read_gate()

    def operate(self) -> Control:
        """Return a hand on the jobs that the test made known."""
        for job in self.known:
            self.jobs.claim(job)
        ports = GatePorts(clock=self.clock, jobs=self.jobs, submissions=self.submissions)
        return operate(ports, DEFAULT_LIMITS, lease=timedelta(minutes=2))

    def upload_prefix(self) -> str:
        """What the test chose."""
        return self.watched

    def upload(self, photo: Photo) -> Sent:
        """Remember the photo."""
        self.uploaded.append(photo)
        return Sent(photo=photo, at=self.clock.now(), etag="e1", job_id=f"job-of-{photo.key}")

    def find(self, sent: Sequence[Sent]) -> Mapping[str, Job]:
        """Return each job a step further than the last time."""
        self.looks += 1
        seen = [one.key for one in sent if one.key not in self.unseen]
        return {key: self._after(key, self.looks) for key in seen}

    def newest(self, key: str) -> Job | None:
        """Return the job that the test made known."""
        return next((job for job in self.known if job.source.key == key), None)

    def job(self, job_id: str) -> Job | None:
        """Return the job that the test made known."""
        return next((job for job in self.known if job.id == job_id), None)

    def uploads_of(self, key: str, limit: int) -> Sequence[Job]:
        """Return the jobs of a key that the test made known, newest upload first."""
        jobs = [job for job in self.known if job.source.key == key]
        return sorted(jobs, key=lambda job: job.source.order, reverse=True)[:limit]

    def in_state(self, state: State, limit: int) -> Sequence[Job]:
        """Return the jobs that the test made known, latest moved first."""
        jobs = [job for job in self.known if job.state is state]
        return sorted(jobs, key=lambda job: job.updated_at, reverse=True)[:limit]

    def records(self) -> MemoryJobs:
        """Return the jobs that the test made known."""
        for job in self.known:
            self.jobs.claim(job)
        return self.jobs

    def objects(self, bucket: str) -> MemoryObjects:
        """Return a bucket that the test filled."""
        return self.buckets.setdefault(bucket, MemoryObjects(bucket))

    def intake(self) -> MemoryIntake:
        """Return what was queued."""
        return self.queued

    def transfers(self, source_bucket: str) -> MemoryTransfers:
        """Return what copies into the uploads bucket."""
        return MemoryTransfers(self.objects(source_bucket), self.objects(UPLOADS), self.uncopied)

    def rules(self) -> Rules:
        """Return rules with the prefix that the test chose."""
        watch = UploadFilter(
            uploads_bucket=UPLOADS,
            upload_prefix=self.watched,
            results_bucket=RESULTS,
            result_prefix="",
            review_prefix=REVIEW_FOLDER,
        )
        return Rules(watch=watch, max_bytes=10_000_000, retention=timedelta(days=90))

    def requests(self) -> Mapping[str, int]:
        """Return a made-up number."""
        return {"Query": 2, "BatchGetItem": 1}

    def download(self, job: Job, target: Path) -> None:
        """Write the cut-out."""
        assert job.result is not None
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.cut_out)

    def _after(self, key: str, looks: int) -> Job:
        end = self.ends.get(key) or make_job(key)
        if looks > len(WAY):
            return end
        job = make_job(key, state=WAY[looks - 1])
        return replace(job, created_at=end.created_at)
