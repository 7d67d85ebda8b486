"""A made-up deployment, whole until a test breaks something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cutout.cli.aws.deployment import (
    AlarmFact,
    Balance,
    Description,
    FeedFact,
    FunctionFact,
    Letter,
    Moved,
    QueueFact,
    RuleFact,
    ScheduleFact,
)
from cutout.cli.output.dashboard.definition import Points, Series
from cutout.domain.errors import CutoutError
from cutout.domain.gate import DEFAULT_LIMITS, Gate
from cutout.domain.job.job import Job

T = TypeVar("T")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:here:me:alarms"
KEY = "sk-evo-made-up"
_SUBMIT_KNOWS = {
    "CUTOUT_API_KEY_SECRET": "Cutout/evolink-api-key",
    "CUTOUT_SIGNING_KEY_SECRET": "Cutout/callback-signing-key",
    "CUTOUT_EVOLINK_BASE_URL": "https://api.example",
    "CUTOUT_CALLBACK_URL": "https://callbacks.example",
    "CUTOUT_UPLOAD_PREFIX": "",
}
OUTPUTS = {
    "UploadsBucketName": "the-uploads",
    "ResultsBucketName": "the-results",
    "JobsTableName": "the-jobs",
    "CallbackUrl": "https://callbacks.example",
    "SubmissionsQueueUrl": "https://sqs.example/me/Submissions",
    "DashboardName": "the-dashboard",
    "Version": "0.1.0+11111111",
}


def arn(name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:here:me:{name}"


def queue(title: str, dead_letters: str | None = None, **counts: int) -> QueueFact:
    """Return a queue, empty unless it is said otherwise."""
    held = {"visible": 0, "in_flight": 0, "delayed": 0} | counts
    return QueueFact(
        title=title,
        url=f"https://sqs.example/me/{title}",
        arn=arn(title),
        dead_letters=dead_letters and arn(dead_letters),
        **held,
    )


def a_function(service: str, **environment: str) -> FunctionFact:
    """Return a function that is ready."""
    return FunctionFact(
        name=f"Cutout-{service}",
        service=service,
        state="Active",
        last_update="Successful",
        environment={"CUTOUT_STACK": "Cutout"} | environment,
    )


def _rule() -> RuleFact:
    return RuleFact(
        name="the-rule",
        is_enabled=True,
        pattern={"source": ["aws.s3"], "detail": {"bucket": {"name": ["the-uploads"]}}},
        targets=[arn("Submissions")],
        undeliverable={arn("Submissions"): arn("Undeliverable")},
    )


@dataclass
class FakeDeployment:
    """What commands are told; `fails` makes a question fail, by its name."""

    described: Description | None = field(
        default_factory=lambda: Description(status="CREATE_COMPLETE", outputs=OUTPUTS, parts=())
    )
    found: list[FunctionFact] = field(
        default_factory=lambda: [
            a_function("submit", **_SUBMIT_KNOWS),
            a_function("prepare"),
            a_function("receive-callback"),
            a_function("store-result"),
            a_function("sweep"),
        ]
    )
    all_queues: list[QueueFact] = field(
        default_factory=lambda: [
            queue("Submissions", "SubmissionsDead"),
            queue("SubmissionsDead"),
            queue("Callbacks", "CallbacksDead"),
            queue("CallbacksDead"),
            queue("Undeliverable"),
        ]
    )
    all_feeds: list[FeedFact] = field(
        default_factory=lambda: [
            FeedFact(function="Cutout-submit", queue_arn=arn("Submissions"), state="Enabled"),
            FeedFact(function="Cutout-store", queue_arn=arn("Callbacks"), state="Enabled"),
        ]
    )
    all_rules: list[RuleFact] = field(default_factory=lambda: [_rule()])
    all_schedules: list[ScheduleFact] = field(
        default_factory=lambda: [
            ScheduleFact(
                name="clock", is_enabled=True, expression="rate(1 minute)", target="Cutout-sweep"
            )
        ]
    )
    is_announcing: bool = True
    ungranted: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(
        default_factory=lambda: {
            "Cutout/evolink-api-key": KEY,
            "Cutout/callback-signing-key": "s" * 64,
        }
    )
    all_alarms: list[AlarmFact] = field(
        default_factory=lambda: [
            AlarmFact(
                name="SweepErrors",
                state="OK",
                description="Sweep failed. Runbook: infra/RUNBOOK.md#function-errors",
                topics=(TOPIC,),
            )
        ]
    )
    told: dict[str, bool] = field(default_factory=lambda: {"you@example.com": True})
    metrics: dict[str, tuple[datetime, float]] = field(
        default_factory=lambda: {"Invocations": (NOON - timedelta(minutes=1), 1.0)}
    )
    aws_time: datetime = NOON
    account: Balance = field(default_factory=lambda: Balance(status=200, credits=5400.0))
    door: int | CutoutError = 403
    stands: Gate = field(default_factory=lambda: Gate(deployed=DEFAULT_LIMITS))
    late: Job | None = None
    letters: dict[str, list[Letter]] = field(default_factory=dict)
    known: list[Job] = field(default_factory=list)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    body: str = '{"widgets": []}'
    stored: Callable[[Series], Sequence[tuple[datetime, float]]] = lambda _series: ()
    knocked: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    where = "a made-up account"
    name = "Cutout"

    def description(self) -> Description | None:
        return self._answer("description", self.described)

    def functions(self) -> Sequence[FunctionFact]:
        return self._answer("functions", self.found)

    def queues(self) -> Sequence[QueueFact]:
        held = {one: len(letters) for one, letters in self.letters.items()}
        queues = [
            replace(one, visible=held[one.title]) if one.title in held else one
            for one in self.all_queues
        ]
        return self._answer("queues", queues)

    def feeds(self) -> Sequence[FeedFact]:
        return self._answer("feeds", self.all_feeds)

    def rules(self) -> Sequence[RuleFact]:
        return self._answer("rules", self.all_rules)

    def schedules(self) -> Sequence[ScheduleFact]:
        return self._answer("schedules", self.all_schedules)

    def announces(self, bucket: str) -> bool:
        assert bucket == OUTPUTS["UploadsBucketName"]
        return self.is_announcing

    def ungranted_key(self, bucket: str) -> str | None:
        return self.ungranted.get(bucket)

    def secret(self, name: str) -> str | None:
        return self._answer("secret", self.secrets.get(name))

    def alarms(self) -> Sequence[AlarmFact]:
        return self._answer("alarms", self.all_alarms)

    def listeners(self, topic: str) -> Mapping[str, bool]:
        assert topic == TOPIC
        return self.told

    def latest(
        self, namespace: str, metric: str, *, statistic: str, of: tuple[str, str], within: timedelta
    ) -> tuple[datetime, float] | None:
        assert namespace.startswith("AWS/")
        assert statistic in {"Sum", "Maximum"}
        assert of[1]
        found = self.metrics.get(metric)
        return found if found and found[0] >= NOON - within else None

    def now_there(self) -> datetime:
        return self._answer("now_there", self.aws_time)

    def balance(self, base_url: str, key: str) -> Balance:
        self.asked.append((base_url, key))
        return self.account

    def knock(self, url: str) -> int:
        self.knocked.append(url)
        if isinstance(self.door, CutoutError):
            raise self.door
        return self.door

    def gate(self) -> Gate:
        return self._answer("gate", self.stands)

    def overdue(self, by: timedelta) -> Job | None:
        is_late = self.late and self.late.due_at and self.late.due_at <= NOON - by
        return self.late if is_late else None

    def look(self, queue: QueueFact, limit: int) -> Sequence[Letter]:
        return self.letters.get(queue.title, [])[:limit]

    def move(self, queue: QueueFact, to: str, limit: int) -> Moved:
        some, self.letters[queue.title] = self._split(queue, limit)
        self.arrived += [(to.rpartition(":")[2], letter.id) for letter in some]
        return Moved(taken=len(self._answer("move", some)))

    def purge(self, queue: QueueFact, limit: int) -> int:
        some, self.letters[queue.title] = self._split(queue, limit)
        return len(some)

    def jobs(self, job_ids: Iterable[str]) -> Mapping[str, Job]:
        wanted = set(job_ids)
        return {job.id: job for job in self.known if job.id in wanted}

    def dashboard(self, name: str) -> str:
        assert name == OUTPUTS["DashboardName"]
        return self.body

    def values(self, series: Sequence[Series], start: datetime, end: datetime) -> Sequence[Points]:
        assert start < end
        return [Points(series=one, values=self.stored(one)) for one in series]

    def _split(self, queue: QueueFact, limit: int) -> tuple[list[Letter], list[Letter]]:
        letters = self.letters.get(queue.title, [])
        return letters[:limit], letters[limit:]

    def _answer(self, name: str, answer: T) -> T:
        if name in self.fails:
            raise self.fails[name]
        return answer
