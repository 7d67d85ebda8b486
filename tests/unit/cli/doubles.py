"""A made-up world around the command line: a clock, a stack, a local cloud."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner, Result

from cutout.attempt import Attempt
from cutout.cli.entry import cutout
from cutout.cli.numbers import ENDS, OPEN, Numbers
from cutout.cli.photos import Photo
from cutout.cli.problems import Problem
from cutout.cli.settings import CliSettings
from cutout.cli.stack import Sent, StackOutputs
from cutout.cli.surroundings import Surroundings
from cutout.cli.target import Choice
from cutout.gate import DEFAULT_LIMITS, Gate
from cutout.job import Job, Step
from cutout.job import Result as CutOut
from cutout.keys import REVIEW_FOLDER
from cutout.local.lifecycle import Status
from cutout.local.progress import CLOUD, DEPLOY, SYNTH, Progress
from cutout.local.start import Wish
from cutout.ports.queues import RenderRequest
from cutout.ports.table import Standing
from cutout.source import Source
from cutout.states import AttemptOutcome, Reason, State
from cutout.usecases.arrive import Watch
from cutout.usecases.operate import Operate
from cutout.usecases.survey import Rules
from cutout.usecases.wake import Waker
from cutout.variant import Variant, replaced
from tests.fakes.deployment import FakeDeployment
from tests.fakes.jobs import MemoryJobs
from tests.fakes.listing import MemoryIntake, MemoryObjects, MemoryTransfers
from tests.fakes.queues import MemorySubmissions

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
UPLOADS = "the-uploads"
RESULTS = "the-results"
PNG = b"\x89PNG the cut-out"
_WAY = (State.QUEUED, State.SUBMITTING, State.PROCESSING, State.STORING)


class HandClock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        """Noon, and what has been slept since."""
        return NOON + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """What has been slept."""
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.elapsed += seconds


def make_job(
    key: str = "a.jpg",
    *,
    state: State = State.COMPLETED,
    reason: Reason | None = None,
    message: str | None = None,
    code: str | None = None,
    credits_used: str | None = "5.4",
    at: datetime = NOON,
) -> Job:
    """Return a job that went straight to a state, a second a step; `at` is when it began."""
    way = [*_WAY[: _WAY.index(state)], state] if state in _WAY else [*_WAY, state]
    history = tuple(
        Step(state=step, at=at + timedelta(seconds=number), reason=None)
        for number, step in enumerate(way)
    )
    result_key = key.rpartition(".")[0] + ".png"
    done = state is State.COMPLETED
    digest = hashlib.sha256(PNG).hexdigest()
    return Job(
        id=f"job-of-{key}",
        source=Source(
            bucket=UPLOADS, key=key, version_id="v1", etag="e1", sequencer="0A", size=1000
        ),
        state=state,
        result_key=result_key,
        created_at=at,
        updated_at=history[-1].at,
        due_at=None if state.is_settled else history[-1].at + timedelta(seconds=150),
        is_announced=state.is_settled,
        reason=reason,
        code=code,
        message=message,
        attempts=(
            Attempt(
                number=1,
                idempotency_key="k",
                body=None,
                started_at=at,
                outcome=AttemptOutcome.SUCCEEDED,
                task_id="task-1",
                credits_used=None if credits_used is None else Decimal(credits_used),
            ),
        ),
        result=CutOut(
            bucket=RESULTS, key=result_key, size=len(PNG), width=600, height=400, sha256=digest
        )
        if done
        else None,
        history=history,
    )


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
        self.queued = MemoryIntake()
        self.standing = Standing(waiting=0, waiting_since=None, in_flight_since=None)

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

    def render(self, requests: Sequence[RenderRequest]) -> None:
        """Make what is asked for at once, as the test says it ends."""
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
            standing=self.standing,
            now={state: counts[state] for state in OPEN},
            lately={state: counts[state] for state in ENDS},
        )

    def gate(self) -> Gate:
        """Return the gate as the test or a command left it."""
        return self.jobs.read_gate()

    def operate(self) -> Operate:
        """Return a hand on the jobs that the test made known."""
        for job in self.known:
            self.jobs.claim(job)
        waker = Waker(
            gates=self.jobs,
            backlog=self.jobs,
            submissions=self.submissions,
            clock=self.clock,
            limits=DEFAULT_LIMITS,
        )
        return Operate(
            jobs=self.jobs,
            gates=self.jobs,
            waker=waker,
            submissions=self.submissions,
            clock=self.clock,
            lease=timedelta(minutes=2),
        )

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
        return MemoryTransfers(self.objects(source_bucket), self.objects(UPLOADS))

    def rules(self) -> Rules:
        """Return rules with the prefix that the test chose."""
        watch = Watch(
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
        if looks > len(_WAY):
            return end
        job = make_job(key, state=_WAY[looks - 1])
        return replace(job, created_at=end.created_at)


@dataclass
class HandClouds:
    """A local cloud that is up when the test says so."""

    now: Status = Status.DOWN
    fails_with: Exception | None = None
    wishes: list[Wish] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def status(self) -> Status:
        """Say what the test said."""
        return self.now

    def up(self, wish: Wish, progress: Progress, *, stays_up: bool) -> Mapping[str, str]:
        """Come up, or fail as the test said."""
        self.calls.append("up for good" if stays_up else "up for a while")
        self.wishes.append(wish)
        progress.begin(CLOUD)
        if self.fails_with is not None:
            raise self.fails_with
        progress.end(CLOUD)
        progress.begin(SYNTH)
        progress.end(SYNTH)
        progress.begin(DEPLOY)
        progress.end(DEPLOY)
        self.now = Status.UP
        return self.variables()

    def is_like(self, wish: Wish) -> bool:
        """Whether nothing was asked for, as nothing was when the test said that it is up."""
        return wish.asked == Wish().asked

    def down(self) -> bool:
        """Go down."""
        self.calls.append("down")
        was_there = self.now is not Status.DOWN
        self.now = Status.DOWN
        return was_there

    def env_file(self) -> Path:
        """As seen from the project's root."""
        return Path(".cutout/local.env")

    def variables(self) -> Mapping[str, str]:
        """Return made-up variables."""
        return {
            "AWS_ENDPOINT_URL": "https://127.0.0.1:4711",
            "AWS_CA_BUNDLE": "/made/up/ca.pem",
            "AWS_ACCESS_KEY_ID": "AKIAMADEUP",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_REGION": "us-east-1",
            "CUTOUT_UPLOADS_BUCKET": UPLOADS,
            "CUTOUT_RESULTS_BUCKET": RESULTS,
            "CUTOUT_JOBS_TABLE": "the-jobs",
        }


@dataclass
class World:
    """Runs commands in a made-up world."""

    folder: Path
    stack: ScriptedStack = field(default_factory=ScriptedStack)
    clouds: HandClouds = field(default_factory=HandClouds)
    deployment: FakeDeployment = field(default_factory=FakeDeployment)
    environment: dict[str, str] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    refuses: Problem | None = None

    def run(self, *arguments: str | Path, typed: str | None = None) -> Result:
        """Run a command as a person would, and return what came of it."""
        surroundings = Surroundings(
            settings=CliSettings.from_environment(self.environment),
            folder=self.folder,
            clock=self.stack.clock,
            connect=self._connect,
            examine=self._examine,
            local=self.clouds,
        )
        return CliRunner().invoke(
            cutout, [str(argument) for argument in arguments], obj=surroundings, input=typed
        )

    def photo(self, name: str, content: bytes = b"a photo") -> Path:
        """Make a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def _examine(self, choice: Choice) -> FakeDeployment:
        self.choices.append(choice)
        return self.deployment

    def _connect(self, choice: Choice) -> ScriptedStack:
        self.choices.append(choice)
        if self.refuses is not None:
            raise self.refuses
        return self.stack
