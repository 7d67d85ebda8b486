"""A deployment as its account describes it, whatever state it is in: for those who mend it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from cutout.cli.output.dashboard.definition import Points, Series
    from cutout.domain.gate import Gate
    from cutout.domain.job.job import Job


@dataclass(frozen=True, kw_only=True)
class Part:
    """A resource of the stack: its type, its name in the template, its name in the account."""

    kind: str
    logical_id: str
    physical_id: str


@dataclass(frozen=True, kw_only=True)
class Description:
    """What CloudFormation says of the stack.

    Attributes:
        status: CloudFormation's word, such as `CREATE_COMPLETE`.
        outputs: by name.
        parts: the resources.
    """

    status: str
    outputs: Mapping[str, str]
    parts: Sequence[Part]

    def of(self, kind: str) -> list[Part]:
        """Return the resources of a type."""
        return [part for part in self.parts if part.kind == kind]


@dataclass(frozen=True, kw_only=True)
class QueueFact:
    """A queue, and how many messages it holds.

    Attributes:
        title: what people call it: its logical id without what all share.
        dead_letters: ARN of the queue that takes what cannot be handled; None if it has none.
    """

    title: str
    url: str
    arn: str
    visible: int
    in_flight: int
    delayed: int
    dead_letters: str | None

    @property
    def name(self) -> str:
        """Its name in the account."""
        return self.arn.rpartition(":")[2]

    @property
    def count(self) -> int:
        """All messages."""
        return self.visible + self.in_flight + self.delayed


@dataclass(frozen=True, kw_only=True)
class FunctionFact:
    """A function of ours; `service` is what its log lines call it."""

    name: str
    service: str
    state: str
    last_update: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class FeedFact:
    """What feeds a function from a queue."""

    function: str
    queue_arn: str
    state: str


@dataclass(frozen=True, kw_only=True)
class RuleFact:
    """A rule of the event bus; `undeliverable` has the ARN where a target's events end."""

    name: str
    is_enabled: bool
    pattern: Mapping[str, object]
    targets: Sequence[str]
    undeliverable: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ScheduleFact:
    """What starts a function now and then."""

    name: str
    is_enabled: bool
    expression: str
    target: str


@dataclass(frozen=True, kw_only=True)
class AlarmFact:
    """An alarm, `OK`, `ALARM` or `INSUFFICIENT_DATA`."""

    name: str
    state: str
    description: str
    topics: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What the provider answers when it is asked for the balance.

    Attributes:
        status: the HTTP status; None when no answer came.
        credits: what is left, if it says.
        says: the provider's or the network's words where it went wrong.
    """

    status: int | None
    credits: float | None = None
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message that could not be handled.

    Attributes:
        attributes: what its sender wrote beside the body, as text.
        received: how often it was handed out, here and where it comes from.
    """

    id: str
    body: str
    sent_at: datetime
    received: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What became of a batch of dead letters.

    Attributes:
        taken: how many were sent and are deleted here.
        refused: why SQS did not take each of the others, which stay where they are.
    """

    taken: int = 0
    refused: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many there were; 0 if none was left."""
        return self.taken + len(self.refused)


class DeadLetters(Protocol):
    """Queues of what could not be handled."""

    def queues(self) -> Sequence[QueueFact]:
        """Return every queue of the stack."""

    def rules(self) -> Sequence[RuleFact]:
        """Return the stack's rules on the event bus."""

    def look(self, queue: QueueFact, limit: int) -> Sequence[Letter]:
        """Return so many messages, which stay where they are."""

    def move(self, queue: QueueFact, to: str, limit: int) -> Moved:
        """Send up to so many messages to the queue of that ARN.

        A message is sent before it is deleted: whatever stops this, it may come twice and is
        never lost.
        """

    def purge(self, queue: QueueFact, limit: int) -> int:
        """Delete up to so many messages; how many it was, 0 for the last."""

    def jobs(self, job_ids: Sequence[str]) -> Mapping[str, Job]:
        """Return the jobs that exist of these."""


class Deployment(DeadLetters, Protocol):
    """What a deployment consists of, and how each part stands."""

    @property
    def where(self) -> str:
        """Where it is, in words."""

    @property
    def name(self) -> str:
        """The stack's name."""

    def description(self) -> Description | None:
        """Return what CloudFormation says; None if there is no such stack."""

    def functions(self) -> Sequence[FunctionFact]:
        """Return the functions of ours."""

    def feeds(self) -> Sequence[FeedFact]:
        """Return what feeds them from queues."""

    def schedules(self) -> Sequence[ScheduleFact]:
        """Return what starts functions now and then."""

    def announces(self, bucket: str) -> bool:
        """Say whether EventBridge hears of a bucket's objects."""

    def ungranted_key(self, bucket: str) -> str | None:
        """Return the KMS key of an attached bucket that the functions may not use, if it has one.

        The ARN, id or alias as the bucket names it.
        """

    def secret(self, name: str) -> str | None:
        """Return a secret's text; None if there is no such secret, or nothing in it."""

    def alarms(self) -> Sequence[AlarmFact]:
        """Return the stack's alarms."""

    def listeners(self, topic: str) -> Mapping[str, bool]:
        """Return who is told by a topic, and whether they have confirmed."""

    def latest(
        self, namespace: str, metric: str, *, statistic: str, of: tuple[str, str], within: timedelta
    ) -> tuple[datetime, float] | None:
        """Return a metric's latest value that is not 0, and its minute."""

    def dashboard(self, name: str) -> str:
        """Return a dashboard's definition, as JSON."""

    def values(self, series: Sequence[Series], start: datetime, end: datetime) -> Sequence[Points]:
        """Return the values of each series between two times, oldest first."""

    def now_there(self) -> datetime:
        """Return the time that AWS has."""

    def balance(self, base_url: str, key: str) -> Balance:
        """Ask the provider for the balance of the account, which is free."""

    def knock(self, url: str) -> int:
        """POST an empty object to a URL as the provider would; the HTTP status."""

    def gate(self) -> Gate:
        """Return the gate as it stands."""

    def overdue(self, by: timedelta) -> Job | None:
        """Return a job that has been due for so long, if there is one."""
