"""A stack in memory behind the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cutout.adapters.dynamodb.stored_limits import bounded
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.aws.photo_store import OpenObject, S3Store
from cutout.cli.aws.ports import Ports
from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.domain.gate.gate import DEFAULT_LIMITS
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant, Verdict, replaced
from cutout.domain.messages.queue_messages import RenderRequest, TaskCheck
from cutout.domain.states import Move
from cutout.ports.jobs_table import BacklogStatus
from tests.support.builders import new_gate
from tests.support.cli.clock import HandClock
from tests.support.cli.jobs import PNG, UPLOADS, WAY, make_job
from tests.support.fakes.jobs import MemoryJobs
from tests.support.fakes.listing import MemoryObjects, MemoryTransfers, MemoryUploadQueue
from tests.support.fakes.queues import MemorySubmissions
from tests.support.fakes.resources import FakeResources


class SteppingJobs(MemoryJobs):
    """Jobs of uploads, which take one step at each read."""

    def __init__(self, clock: HandClock, ends: Mapping[str, Job], unseen: Iterable[str]) -> None:
        super().__init__(clock, self._note)
        self.fails_with: Exception | None = None
        self.steps: Counter[str] = Counter()
        self.ends = dict(ends)
        self.unseen = set(unseen)
        self.uploaded: dict[str, str] = {}
        self.looks = 0
        self.status: BacklogStatus | None = None

    def find_all(self, job_ids: Sequence[str]) -> list[Job]:
        """Return each job of an upload a step further than the last time, others unchanged."""
        self.steps["jobs read"] += len(job_ids)
        keys = [self.uploaded[job_id] for job_id in job_ids if job_id in self.uploaded]
        if not keys:
            return super().find_all(job_ids)
        self.looks += 1
        return [self._after(key) for key in keys if key not in self.unseen]

    def take_steps(self, sent: SentPhoto) -> SentPhoto:
        """Let an upload's job take steps from now on, under a readable id."""
        self.uploaded[f"job-of-{sent.key}"] = sent.key
        return replace(sent, job_id=f"job-of-{sent.key}")

    def put(self, job: Job) -> None:
        """Put a job into the table in one step, as pages may be reading it."""
        self._write(bounded(job))

    def _note(self, step: str) -> None:
        self.steps[step] += 1
        if self.fails_with is not None:
            raise self.fails_with

    def backlog_status(self) -> BacklogStatus:
        """Return what the test set, or count."""
        return self.status or super().backlog_status()

    def _after(self, key: str) -> Job:
        end = self.ends.get(key) or make_job(key)
        job = end if self.looks > len(WAY) else make_job(key, state=WAY[self.looks - 1])
        return replace(job, id=f"job-of-{key}", created_at=end.created_at)


class MemoryStore(S3Store):
    """Uploaded files, and one cut-out for all."""

    def __init__(self) -> None:
        self.uploaded: list[PhotoFile] = []
        self.sizes: list[int] = []
        self.hashes: dict[str, str] = {}
        self.downloaded: list[str] = []
        self.cut_out = PNG
        self.objects: dict[tuple[str, str], bytes] = {}

    def upload(self, photo: PhotoFile) -> tuple[str, str | None]:
        """Record the photo."""
        self.uploaded.append(photo)
        self.sizes.append(photo.path.stat().st_size if photo.path.exists() else 0)
        return "e1", "v1"

    def sha256(self, key: str, version_id: str | None) -> str | None:
        """Return the hash that the test gave the object."""
        assert version_id != ""
        return self.hashes.get(key)

    def open(self, bucket: str, key: str, version_id: str | None = None) -> OpenObject | None:
        """Return what the test put there."""
        assert version_id != ""
        content = self.objects.get((bucket, key))
        return None if content is None else OpenObject(size=len(content), chunks=iter([content]))

    def download(self, key: str, target: Path) -> None:
        """Write the cut-out."""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.cut_out)
        self.downloaded.append(key)

    def link(self, bucket: str, key: str, version_id: str | None = None) -> str:
        """Return a made-up link."""
        return f"https://{bucket}.example/{key}?version={version_id}"


class MemoryRenders:
    """Makes requested variants at once, as the test says it ends."""

    def __init__(self, clock: HandClock, jobs: MemoryJobs) -> None:
        self._clock = clock
        self._jobs = jobs
        self.requests: list[RenderRequest] = []
        self.problems: dict[str, str] = {}
        self.never: set[str] = set()

    def render(self, requests: Sequence[RenderRequest], *, delay: timedelta = timedelta(0)) -> None:
        """Make them."""
        assert delay == timedelta(0)
        self.requests += requests
        for request in requests:
            job = self._jobs.jobs[request.job_id]
            made = tuple(self.make(name) for name in request.recipes if name not in self.never)
            self._jobs.save(replace(job, variants=replaced(job.variants, made)))

    def make(self, name: str) -> Variant:
        """Return a variant, made now, or the problem that the test names."""
        problem = self.problems.get(name)
        return Variant(
            recipe=name,
            format="jpg",
            made_at=self._clock.now(),
            key=None if problem else f"a.{name}.jpg",
            width=20,
            height=10,
            problem=problem,
        )


class MemoryChecks:
    """Lets StoreResult carry decisions out at once, as the test says it ends.

    Attributes:
        ends: what becomes of the job of a decision; by default what the decision says.
    """

    def __init__(self, jobs: MemoryJobs) -> None:
        self._jobs = jobs
        self.checks: list[TaskCheck] = []
        self.ends: Callable[[Job], Job] | None = carried_out

    def enqueue(self, checks: Sequence[TaskCheck]) -> None:
        """Carry the decisions out, unless the test wants none to be."""
        self.checks += checks
        for check in checks:
            if self.ends is not None:
                self._jobs.save(self.ends(self._jobs.jobs[check.job_id]))


def carried_out(job: Job) -> Job:
    """Return the job as its decision wants it."""
    assert job.decision is not None
    is_accepted = job.decision.verdict is Verdict.ACCEPT
    result = job.result
    assert result is not None
    stored = replace(result, key=job.result_key or "") if is_accepted else result
    return replace(job, result=stored).settle(
        Move.COMPLETE if is_accepted else Move.FAIL,
        now=job.updated_at,
        retention=timedelta(days=90),
        reason=job.reason,
        message=job.decision.text,
    )


class FakeStack(Stack):
    """A stack in memory; its ports have what tests set and read."""

    resources: FakeResources
    clock: HandClock

    def __init__(
        self, *, ends: Mapping[str, Job] | None = None, unseen: Iterable[str] = ()
    ) -> None:
        clock = HandClock()
        super().__init__(FakeResources(), clock)
        self.table = SteppingJobs(clock, ends or {}, unseen)
        self.submissions = MemorySubmissions()
        self.queued = MemoryUploadQueue()
        self.renders = MemoryRenders(clock, self.table)
        self.checks = MemoryChecks(self.table)
        self.caller = "arn:aws:iam::123456789012:user/ann"
        self.store = MemoryStore()
        self.buckets: dict[str, MemoryObjects] = {}
        self.uncopied: dict[str, str] = {}
        self.index = self.table
        self.ports = Ports(
            clock=clock,
            jobs=self.table,
            submissions=self.submissions,
            upload_queue=self.queued,
            renders=self.renders,
            checks=self.checks,
            caller=lambda: self.caller,
            store=self.store,
            objects=self.bucket,
            transfers=self.copies,
        )

    def upload(self, photo: PhotoFile) -> SentPhoto:
        """Record the photo; its job takes steps from now on."""
        return self.table.take_steps(super().upload(photo))

    def bucket(self, name: str) -> MemoryObjects:
        """Return a bucket that the test filled."""
        return self.buckets.setdefault(name, MemoryObjects(name))

    def copies(self, source: str) -> MemoryTransfers:
        """Return what copies into the uploads bucket."""
        return MemoryTransfers(self.bucket(source), self.bucket(UPLOADS), self.uncopied)

    def requests(self) -> Mapping[str, int]:
        """Return a made-up number."""
        return {"Query": 2, "BatchGetItem": 1}

    def watch(self, prefix: str) -> None:
        """Watch only keys with this prefix."""
        self.resources.knows(CUTOUT_UPLOAD_PREFIX=prefix)

    def know(self, *jobs: Job) -> None:
        """Put jobs into the table."""
        for job in jobs:
            self.table.put(job)


def healthy_stack(**facts: object) -> FakeStack:
    """Return a stack without a fault, except for these facts of its resources."""
    stack = FakeStack()
    stack.table.gate = new_gate(deployed=DEFAULT_LIMITS)
    for name, value in facts.items():
        setattr(stack.resources, name, value)
    return stack
