"""The adapter of a made-up provider, Instant, which answers a call with the finished result.

Instant has a JSON of its own, prices in cents, no callbacks, no file store and no waiting:

    POST /cut {"picture": URL}, header Request-Id
        200 {"outcome": "done", "ref": ID, "cents": N}
        200 {"outcome": "sorry", "why": TEXT}: nothing to cut out
        200 {"outcome": "broke"}: the prepaid amount is used up
    GET /cut/ID
        200 {"png": URL}, or 404
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

from cutout.domain.errors import TaskUnknownError
from cutout.domain.provider_outcomes import (
    Accepted,
    Cause,
    CreateOutcome,
    Refused,
    Task,
    TaskStatus,
    Terms,
    words,
)


class Server(Protocol):
    """Instant's server."""

    def post(self, request_id: str, body: str) -> str:
        """Answer `POST /cut`."""
        ...

    def get(self, ref: str) -> str | None:
        """Answer `GET /cut/ID`; None is a 404."""
        ...


@dataclass(frozen=True)
class InstantProvider:
    """Makes cut-outs by Instant."""

    server: Server

    @property
    def terms(self) -> Terms:
        """Results are kept for an hour, and known at once."""
        return Terms(results_last=timedelta(hours=1), task_visibility_delay=timedelta(0))

    def get_ready(self) -> Refused | None:
        """Instant has no API key."""
        return None

    def call_body(self, photo_url: str, callback_url: str | None) -> str:  # noqa: ARG002 - no callbacks
        """The text of a call."""
        return json.dumps({"picture": photo_url})

    def create(self, body: str, idempotency_key: str) -> CreateOutcome:
        """Make the call, whose answer is the result."""
        answer: dict[str, Any] = json.loads(self.server.post(idempotency_key, body))
        if answer["outcome"] == "done":
            cents = Decimal(answer["cents"])
            return Accepted(task_id=answer["ref"], credits_reserved=cents, is_completed=True)
        return Refused(
            cause=Cause.OUT_OF_CREDITS if answer["outcome"] == "broke" else Cause.OTHER,
            code=answer["outcome"],
            message=words(answer.get("why")) or "no reason given",
        )

    def read(self, task_id: str) -> Task:
        """The result of an earlier call."""
        answer = self.server.get(task_id)
        if answer is None:
            raise TaskUnknownError("Instant has no such result")
        url = json.loads(answer)["png"]
        return Task(id=task_id, status=TaskStatus.COMPLETED, result_url=url)
