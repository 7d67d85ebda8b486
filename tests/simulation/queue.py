"""A queue that delivers at least once, in any order, and hides what is being worked on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cutout.ports.queues import Wake
from cutout.ports.telemetry import Clock
from cutout.source import Source
from tests.fakes.steps import Step


@dataclass(frozen=True)
class ToPrepare:
    """Whose photo a copy is wanted of."""

    job_id: str


Body = Source | tuple[str, Source] | str | Wake | ToPrepare
"""An upload, a ("deleted", source), a job that is due, a wake, or a wish for a copy."""
MOST_RECEIVES = 5


@dataclass
class Message:
    body: Body
    visible_at: datetime
    receives: int = 0


@dataclass
class SimQueue:
    """What the fakes of all queues put into, and the engine takes from."""

    clock: Clock
    step: Step
    rng: random.Random
    visibility: timedelta
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    sent: int = 0

    def put(self, body: Body) -> None:
        """Send; it arrives within two seconds."""
        delay = timedelta(milliseconds=self.rng.randrange(2000))
        self.messages.append(Message(body=body, visible_at=self.clock.now() + delay))
        self.sent += 1

    def wake(
        self, bodies: Sequence[str] | Sequence[Wake], *, delay: timedelta = timedelta()
    ) -> None:
        """The port's method, of Submit's and StoreResult's queues."""
        assert not delay
        self.step("queue.send")
        for body in bodies:
            self.put(body)
        self.step("queue.send done")

    def prepare(self, job_id: str) -> None:
        """The port's method, of Prepare's queue."""
        self.step("preparations.prepare")
        self.put(ToPrepare(job_id))
        self.step("preparations.prepare done")

    def visible(self) -> list[Message]:
        now = self.clock.now()
        return [message for message in self.messages if message.visible_at <= now]

    def receive(self, message: Message) -> None:
        """Hide it while it is worked on; the fifth failure sends it to the dead letters."""
        message.receives += 1
        message.visible_at = self.clock.now() + self.visibility

    def finish(self, message: Message) -> None:
        if message in self.messages:
            self.messages.remove(message)

    def give_back(self, message: Message) -> None:
        if message.receives >= MOST_RECEIVES and message in self.messages:
            self.messages.remove(message)
            self.dead.append(message)

    def redrive(self) -> None:
        """An operator sends the dead letters back."""
        for message in self.dead:
            self.messages.append(Message(body=message.body, visible_at=self.clock.now()))
        self.dead.clear()
