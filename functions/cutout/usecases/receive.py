"""A callback came in: is it ours, and which attempt does it name?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cutout.callback_token import verify
from cutout.errors import CallbackRefusedError
from cutout.ports.provider import KeyRing
from cutout.ports.queues import CallbackQueue, Wake
from cutout.ports.telemetry import Clock, Metric, Telemetry

MAX_BODY_BYTES = 64 * 1024
"""A task's description takes about 1 KB; what is much larger is not one."""


@dataclass(frozen=True, kw_only=True)
class Receive:
    """Authenticates the URL and has StoreResult look. Nothing in the body is believed.

    Attributes:
        task_id_in: the id of the task that a body names, if it has the form of one.
    """

    keys: KeyRing
    task_id_in: Callable[[str], str | None]
    callbacks: CallbackQueue
    telemetry: Telemetry
    clock: Clock

    def receive(self, token: str, body: str) -> None:
        """Queue a look at the task that the token names.

        Raises:
            CallbackRefusedError: the token is malformed, forged or expired.
        """
        try:
            address = verify(token, self.keys.accepted_keys(), self.clock.now())
        except CallbackRefusedError:
            self.telemetry.count(Metric.CALLBACK_REFUSED)
            raise
        wake = Wake(
            job_id=address.job_id,
            attempt=address.attempt,
            task_id=self.task_id_in(body),
            is_taken=True,
        )
        self.callbacks.wake([wake])
        self.telemetry.fact("callback received", job_id=address.job_id, attempt=address.attempt)
