"""A queue that delivers at least once, in any order, and hides messages in processing.

It is what the adapters of SQS talk to: messages are the text that they write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cutout.ports.telemetry import Clock
from tests.simulation.faults import Faults
from tests.support.fakes.steps import Step

MOST_RECEIVES = 5
_LONGEST_DELAY_SECONDS = 4 * 3600


@dataclass
class Message:
    body: str
    visible_at: datetime
    receives: int = 0


@dataclass
class SimQueue:
    """What the adapters of all queues send to, and the engine receives from."""

    name: str
    clock: Clock
    step: Step
    faults: Faults
    visibility: timedelta
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    kept_dead: list[Message] = field(default_factory=list)
    """Dead letters that nobody sends back for days."""

    def put(self, body: str) -> None:
        """Send; the message arrives within two seconds, or hours later."""
        seconds = self.faults.rng.random() * 2
        if self.faults.strikes("queue_slow"):
            seconds = self.faults.rng.uniform(60, _LONGEST_DELAY_SECONDS)
        visible_at = self.clock.now() + timedelta(seconds=seconds)
        self.messages.append(Message(body=body, visible_at=visible_at))

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """SQS's operation."""
        self.step(f"{self.name}.send")
        for entry in request["Entries"]:
            self.put(entry["MessageBody"])
        self.step(f"{self.name}.send done")
        return {}

    def get_queue_attributes(self, **_request: Any) -> dict[str, Any]:
        """SQS's operation; its count is approximate."""
        return {"Attributes": {"ApproximateNumberOfMessages": "0"}}

    def visible(self) -> list[Message]:
        now = self.clock.now()
        return [message for message in self.messages if message.visible_at <= now]

    def receive(self, message: Message) -> None:
        """Hide a message while it is processed, mostly; a fifth failure makes it a dead letter."""
        message.receives += 1
        if not self.faults.strikes("at_two_workers"):
            message.visible_at = self.clock.now() + self.visibility

    def finish(self, message: Message) -> None:
        if message in self.messages:
            self.messages.remove(message)

    def give_back(self, message: Message) -> None:
        """Record a failure."""
        is_kept = self.faults.strikes("redriven_late")
        if message in self.messages and (is_kept or message.receives >= MOST_RECEIVES):
            self.messages.remove(message)
            (self.kept_dead if is_kept else self.dead).append(message)

    def redrive(self) -> None:
        """An operator sends the dead letters back."""
        for message in self.dead:
            self.messages.append(Message(body=message.body, visible_at=self.clock.now()))
        self.dead.clear()
