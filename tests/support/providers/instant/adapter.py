"""The adapter of a made-up provider, Instant, which answers a call with the finished result.

Instant has a JSON of its own, prices in cents, no callbacks, no file store and no waiting:

    POST /cut {"picture": URL}, header Request-Id
        200 {"outcome": "done", "ref": ID, "cents": N}
        200 {"outcome": "sorry", "why": TEXT}: nothing to cut out
        200 {"outcome": "broke"}: the prepaid amount is used up
    GET /cut/ID
        200 {"png": URL}, or 404
    GET /purse
        200 {"cents": N}: what is left of the prepaid amount
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cutout.domain.errors import TaskUnknownError
from cutout.domain.provider_outcomes import (
    Accepted,
    Cause,
    CreateOutcome,
    Refused,
    Task,
    TaskStatus,
    words,
)
from cutout.ports.http import Http

ADDRESS = "https://instant.example"
_NOT_FOUND = 404


@dataclass(frozen=True)
class InstantProvider:
    """Makes cut-outs by Instant."""

    http: Http

    def get_ready(self) -> Refused | None:
        """Instant has no API key."""
        return None

    def call_body(self, photo_url: str, callback_url: str | None) -> str:  # noqa: ARG002 - no callbacks
        """The text of a call."""
        return json.dumps({"picture": photo_url})

    def create(self, body: str, idempotency_key: str) -> CreateOutcome:
        """Make the call, whose answer is the result."""
        headers = {"Request-Id": idempotency_key}
        sent = self.http.send("POST", f"{ADDRESS}/cut", headers=headers, body=body.encode())
        answer: dict[str, Any] = json.loads(sent.body)
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
        answer = self.http.send("GET", f"{ADDRESS}/cut/{task_id}", headers={})
        if answer.status == _NOT_FOUND:
            raise TaskUnknownError("Instant has no such result")
        url = json.loads(answer.body)["png"]
        return Task(id=task_id, status=TaskStatus.COMPLETED, result_url=url)


class NoFiles:
    """A file store that takes no copies."""

    def upload(self, name: str, content_type: str, data: bytes) -> Refused:  # noqa: ARG002 - none
        """Refuse a copy."""
        return Refused(cause=Cause.OTHER, code="no-copies", message="Instant takes links only")

    def delete(self, file_id: str) -> None:
        """There is nothing to delete."""
