"""A callback came in: is it ours, and which attempt does it name?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from cutout.callback_token import verify
from cutout.errors import CallbackRefusedError
from cutout.ports.provider import KeyRing
from cutout.ports.queues import CallbackQueue, Wake
from cutout.ports.telemetry import Clock, Metric, Telemetry

MAX_BODY_BYTES = 64 * 1024
"""A task's description takes about 1 KB; what is much larger is not one."""
_TASK_ID = re.compile(r"[A-Za-z0-9._:-]{4,128}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Receive:
    """Authenticates the URL and has StoreResult look. Nothing in the body is believed."""

    keys: KeyRing
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
        self.callbacks.wake(
            [Wake(job_id=address.job_id, attempt=address.attempt, task_id=_task_id(body))],
        )
        self.telemetry.fact("callback received", job_id=address.job_id, attempt=address.attempt)


def _task_id(body: str) -> str | None:
    """The task id that the body names, if it has the form of one.

    Read with the tolerance that the API's answers are read with: for a call whose outcome is
    unknown, nobody else names the task.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    inner = told.get("data") if isinstance(told, dict) else None
    named = inner if isinstance(inner, dict) else told
    if not isinstance(named, dict):
        return None
    task_id = named.get("id") or named.get("task_id")
    is_plausible = isinstance(task_id, str) and _TASK_ID.fullmatch(task_id)
    return task_id if is_plausible else None
