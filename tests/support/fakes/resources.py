"""Resources of a stack in memory, complete until a test breaks something."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from cutout.cli.aws.cloudwatch import Alarm
from cutout.cli.aws.dead_letter_queues import DeadLetter, MoveResult
from cutout.cli.aws.description import Description
from cutout.cli.aws.stack_resources import (
    DeployedFunction,
    EventRule,
    Queue,
    Schedule,
    StackResources,
    Trigger,
)
from cutout.cli.output.dashboard.definition import Points, Series
from cutout.domain.errors import CutoutError, NotSentError
from cutout.ports.http import Answer
from cutout.ports.provider_api import Balance
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import RESULTS, UPLOADS

T = TypeVar("T")
TOPIC = "arn:aws:sns:here:me:alarms"
KEY = "sk-evo-made-up"
_SUBMIT_KNOWS = {
    "CUTOUT_MAX_BYTES": "10000000",
    "CUTOUT_RETENTION_DAYS": "90",
    "CUTOUT_API_KEY_SECRET": "Cutout/evolink-api-key",
    "CUTOUT_SIGNING_KEY_SECRET": "Cutout/callback-signing-key",
    "CUTOUT_EVOLINK_BASE_URL": "https://api.example",
    "CUTOUT_CALLBACK_URL": "https://callbacks.example",
    "CUTOUT_UPLOAD_PREFIX": "",
}
OUTPUTS = {
    "UploadsBucketName": UPLOADS,
    "ResultsBucketName": RESULTS,
    "JobsTableName": "the-jobs",
    "CallbackUrl": "https://callbacks.example",
    "SubmissionsQueueUrl": "https://sqs.example/me/Submissions",
    "CallbacksQueueUrl": "https://sqs.example/me/Callbacks",
    "Recipes": "market,web",
    "DashboardName": "the-dashboard",
    "Version": "0.1.0+11111111",
}


def arn(name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:here:me:{name}"


def queue(title: str, dead_letters: str | None = None, **counts: int) -> Queue:
    """Return a queue, empty by default."""
    held = {"visible": 0, "in_flight": 0, "delayed": 0} | counts
    return Queue(
        title=title,
        url=f"https://sqs.example/me/{title}",
        arn=arn(title),
        dead_letters=dead_letters and arn(dead_letters),
        **held,
    )


def a_function(service: str, **environment: str) -> DeployedFunction:
    """Return a function that is ready."""
    return DeployedFunction(
        name=f"Cutout-{service}",
        service=service,
        state="Active",
        last_update="Successful",
        environment={"CUTOUT_STACK": "Cutout"} | environment,
    )


def _rule() -> EventRule:
    return EventRule(
        name="the-rule",
        is_enabled=True,
        pattern={"source": ["aws.s3"], "detail": {"bucket": {"name": ["the-uploads"]}}},
        targets=[arn("Submissions")],
        undeliverable={arn("Submissions"): arn("Undeliverable")},
    )


class FakeHttp:
    """The provider and the callback URL, with the answers that the test set."""

    def __init__(self) -> None:
        self.account = Balance(server="https://api.example", status=200, credits=5400.0)
        self.door: int | CutoutError = 403
        self.requests: list[tuple[str, str]] = []

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """Answer a request for the balance, or a callback."""
        if method == "POST":
            assert (headers["Content-Type"], body) == ("application/json", b"{}")
            self.requests.append((url, ""))
            if isinstance(self.door, CutoutError):
                raise self.door
            return Answer(status=self.door, headers={}, body=b"")
        self.requests.append((url, headers["Authorization"]))
        if self.account.status is None:
            raise NotSentError(self.account.message)
        user = {"remaining_credits": self.account.credits}
        content = {"data": {"user": user}, "error": {"message": self.account.message}}
        return Answer(status=self.account.status, headers={}, body=json.dumps(content).encode())


def _title(url: str) -> str:
    return url.rpartition("/")[2]


@dataclass(eq=False)
class FakeResources(StackResources):
    """What commands read of the stack; `fails` makes a read fail, by its name."""

    described: Description | None = field(
        default_factory=lambda: Description(status="CREATE_COMPLETE", outputs=OUTPUTS)
    )
    found: list[DeployedFunction] = field(
        default_factory=lambda: [
            a_function("submit", **_SUBMIT_KNOWS),
            a_function("prepare"),
            a_function("receive-callback"),
            a_function("store-result"),
            a_function("sweep"),
        ]
    )
    all_queues: list[Queue] = field(
        default_factory=lambda: [
            queue("Submissions", "SubmissionsDead"),
            queue("SubmissionsDead"),
            queue("Callbacks", "CallbacksDead"),
            queue("CallbacksDead"),
            queue("Undeliverable"),
        ]
    )
    all_triggers: list[Trigger] = field(
        default_factory=lambda: [
            Trigger(function="Cutout-submit", queue_arn=arn("Submissions"), state="Enabled"),
            Trigger(function="Cutout-store", queue_arn=arn("Callbacks"), state="Enabled"),
        ]
    )
    all_rules: list[EventRule] = field(default_factory=lambda: [_rule()])
    all_schedules: list[Schedule] = field(
        default_factory=lambda: [Schedule(name="clock", is_enabled=True, target="Cutout-sweep")]
    )
    is_announcing: bool = True
    ungranted: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(
        default_factory=lambda: {
            "Cutout/evolink-api-key": KEY,
            "Cutout/callback-signing-key": "s" * 64,
        }
    )
    all_alarms: list[Alarm] = field(
        default_factory=lambda: [
            Alarm(
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
    time: datetime = NOON
    network: FakeHttp = field(default_factory=FakeHttp)
    letters: dict[str, list[DeadLetter]] = field(default_factory=dict)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    body: str = '{"widgets": []}'
    stored: Callable[[Series], Sequence[tuple[datetime, float]]] = lambda _series: ()

    settings_read: int = 0
    """How often the settings of Submit were read: each is a request."""
    name = "Cutout"
    where = "a made-up stack"

    def knows(self, **environment: str | None) -> None:
        """Change a variable of Submit; None removes it."""
        submit, *rest = self.found
        kept = {
            name: value
            for name, value in {**submit.environment, **environment}.items()
            if value is not None
        }
        self.found = [replace(submit, environment=kept), *rest]

    def description(self) -> Description | None:
        return self._answer("description", self.described)

    def functions(self) -> Sequence[DeployedFunction]:
        return self._answer("functions", self.found)

    def environment_of(self, function: str) -> Mapping[str, str]:
        assert function == "Submit"
        self.settings_read += 1
        return self.found[0].environment

    def queues(self) -> Sequence[Queue]:
        held = {one: len(letters) for one, letters in self.letters.items()}
        queues = [
            replace(one, visible=held[one.title]) if one.title in held else one
            for one in self.all_queues
        ]
        return self._answer("queues", queues)

    def triggers(self) -> Sequence[Trigger]:
        return self._answer("triggers", self.all_triggers)

    def event_rules(self) -> Sequence[EventRule]:
        return self._answer("event_rules", self.all_rules)

    def schedules(self) -> Sequence[Schedule]:
        return self._answer("schedules", self.all_schedules)

    def sends_events(self, bucket: str) -> bool:
        assert bucket == UPLOADS
        return self.is_announcing

    def ungranted_key(self, bucket: str) -> str | None:
        return self.ungranted.get(bucket)

    def secret(self, name: str) -> str | None:
        return self._answer("secret", self.secrets.get(name))

    def alarms(self) -> Sequence[Alarm]:
        return self._answer("alarms", self.all_alarms)

    def subscribers(self, topic: str) -> Mapping[str, bool]:
        assert topic == TOPIC
        return self.told

    def latest_value(
        self, series: Series, start: datetime, end: datetime
    ) -> tuple[datetime, float] | None:
        assert series.namespace.startswith("AWS/")
        assert series.statistic in {"Sum", "Maximum"}
        [(_, name)] = series.dimensions
        assert name
        found = self.metrics.get(series.metric)
        return found if found and start <= found[0] <= end else None

    def aws_time(self) -> datetime:
        return self._answer("aws_time", self.time)

    def http(self, *, trusts_local_cloud: bool = False) -> FakeHttp:
        assert isinstance(trusts_local_cloud, bool)
        return self.network

    @property
    def messages(self) -> Any:  # it has the methods of dead-letter queues
        return self

    def look(self, url: str, limit: int) -> Sequence[DeadLetter]:
        return self.letters.get(_title(url), [])[:limit]

    def move(self, url: str, to: str, limit: int) -> MoveResult:
        some, self.letters[_title(url)] = self._split(url, limit)
        self.arrived += [(to.rpartition(":")[2], letter.id) for letter in some]
        return MoveResult(taken=len(self._answer("move", some)))

    def purge(self, url: str, limit: int) -> MoveResult:
        some, self.letters[_title(url)] = self._split(url, limit)
        return MoveResult(taken=len(some))

    def dashboard(self, name: str) -> str:
        assert name == OUTPUTS["DashboardName"]
        return self.body

    def metric_values(
        self, series: Sequence[Series], start: datetime, end: datetime
    ) -> Sequence[Points]:
        assert start < end
        return [Points(series=one, values=self.stored(one)) for one in series]

    def _split(self, url: str, limit: int) -> tuple[list[DeadLetter], list[DeadLetter]]:
        letters = self.letters.get(_title(url), [])
        return letters[:limit], letters[limit:]

    def _answer(self, name: str, answer: T) -> T:
        if name in self.fails:
            raise self.fails[name]
        return answer
