"""Receiving a callback: authenticate its URL, and queue a check of the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import datetime, timedelta

from cutout.domain.callback_token import verify
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import CallbackRefusedError
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.metrics import Metric
from cutout.ports.provider_api import KeyRing
from cutout.ports.queues import TaskCheckQueue
from cutout.ports.telemetry import Clock, Telemetry

MAX_BODY_BYTES = 64 * 1024
"""A callback's body has about 1 KB."""
_BETWEEN_LINES = timedelta(minutes=1)


@dataclass(kw_only=True)
class RefusalLog:
    """Limits the log to one refused callback a minute; the metric counts all of them."""

    _next_at: datetime | None = None
    _unlogged: int = 0

    def logged(self, now: datetime) -> int | None:
        """How many were not logged since the last logged one; None if this one is not logged."""
        if self._next_at is not None and now < self._next_at:
            self._unlogged += 1
            return None
        self._next_at = now + _BETWEEN_LINES
        unlogged, self._unlogged = self._unlogged, 0
        return unlogged


@dataclass(frozen=True, kw_only=True)
class ReceiveCallback:
    """Authenticates the URL and queues a check of the task. The body is only a hint.

    Attributes:
        task_id_in: returns the task id that a body names, if it is well-formed.
        refusals: keeps forged callbacks from filling the log.
    """

    keys: KeyRing
    task_id_in: Callable[[str], str | None]
    callbacks: TaskCheckQueue
    telemetry: Telemetry
    clock: Clock
    refusals: RefusalLog = field(default_factory=RefusalLog)

    def receive(self, token: str, body: str) -> None:
        """Queue a check of the task that the token names.

        Raises:
            CallbackRefusedError: the token is malformed, forged or expired.
        """
        try:
            address = verify(token, self.keys.accepted_keys(), self.clock.now())
        except CallbackRefusedError as exc:
            self.telemetry.metric(Metric.CALLBACK_REFUSED)
            unlogged = self.refusals.logged(self.clock.now())
            if unlogged is not None:
                self.telemetry.log(
                    "callback refused", is_malformed=exc.is_malformed, not_logged_before=unlogged
                )
            raise
        check = TaskCheck(
            job_id=address.job_id,
            attempt=address.attempt,
            task_id=self.task_id_in(body),
            # Only the call contains this URL, so the provider has taken it.
            is_taken=True,
        )
        self.callbacks.enqueue([check])
        self.telemetry.log("callback received", job_id=address.job_id, attempt=address.attempt)
