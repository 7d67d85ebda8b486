"""The provider's task API over HTTP.

Answers are read tolerantly: a field may be missing, except the task's id, and error codes are text
or numbers.

A call that may have been charged is never reported as refused. A 4xx is a refusal only if it holds
the API's own `error` object. A CDN's or proxy's page is not, whatever its status: some replace an
answer after the API has taken the call, so the outcome is unknown. The exception is 429: a server
that answers it has not passed the call on, and the API's own 429 may have no body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from cutout.adapters.evolink import error_codes
from cutout.adapters.evolink.evolink_server import EvolinkServer
from cutout.adapters.evolink.json_answers import (
    body_object,
    code_of,
    credits_of,
    error_in,
    link_of,
    names_a_task,
    part,
    task_id_in,
    task_in,
)
from cutout.domain.errors import (
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
    TaskUnknownError,
)
from cutout.domain.provider_outcomes import (
    Accepted,
    CreateOutcome,
    NotSent,
    OutcomeUnknown,
    Refused,
    Task,
    TaskStatus,
    words,
)
from cutout.ports.http import Answer, ApiKey, Http

# With these statuses, the API did not take the call; with any other, it may have.
_REFUSING = frozenset({400, 401, 402, 403, 404, 409, 413, 415, 422, 429})
_NOT_FOUND = 404
_TOO_MANY = 429
_STATUSES = {
    "completed": TaskStatus.COMPLETED,
    "failed": TaskStatus.FAILED,
    "cancelled": TaskStatus.FAILED,
    "canceled": TaskStatus.FAILED,
}
_CANCELLED = "request_cancelled"


class EvolinkApi:
    """Creates and reads tasks; it reads the clock for a Retry-After header that is a date."""

    def __init__(
        self,
        http: Http,
        base_url: str,
        model: str,
        api_key: ApiKey,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._server = EvolinkServer(http, base_url, api_key)
        self._model = model
        self._now = now

    def get_ready(self) -> Refused | None:
        """Load the API key; the refusal of one that is missing or cannot be sent."""
        return self._server.get_ready()

    def call_body(self, photo_url: str, callback_url: str | None) -> str:
        """The exact text of a call."""
        return call_body(self._model, photo_url, callback_url)

    def create(self, body: str, idempotency_key: str) -> CreateOutcome:
        """Make the paid call once; returns each outcome of it as a value."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        try:
            answer = self._server.send(
                "POST", "/v1/images/generations", headers, body.encode(), is_paid=True
            )
        except NotSentError as exc:
            return NotSent(message=str(exc))
        except ResponseLostError as exc:
            return OutcomeUnknown(message=str(exc))
        error = error_in(body_object(answer.body))
        if answer.status == _TOO_MANY or (answer.status in _REFUSING and error):
            return self._refused(answer, error)
        return _accepted(answer)

    def read(self, task_id: str) -> Task:
        """The task's current state."""
        answer = self._server.send("GET", f"/v1/tasks/{quote(task_id, safe='')}")
        content = body_object(answer.body)
        if answer.status == _NOT_FOUND and error_in(content):
            # Without the API's `error` object, the 404 may be a proxy's.
            raise TaskUnknownError("the API knows no such task")
        content = task_in(content)
        if not _is_success(answer.status):
            raise ProviderBusyError(f"the API answers {answer.status}", status=answer.status)
        if not content:
            raise ResponseLostError("the API's answer is unreadable")
        if names_a_task(content) and task_id_in(content) != task_id:
            # A cache or proxy mixed up two requests.
            raise ResponseLostError("the API's answer is about another task")
        return _task(task_id, content)

    def _refused(self, answer: Answer, error: Mapping[str, Any]) -> Refused:
        return error_codes.refusal(
            status=answer.status,
            code=code_of(error.get("code")) or f"http_{answer.status}",
            message=words(error.get("message")) or f"the API answers {answer.status}",
            retry_after_seconds=self._retry_after(answer.headers.get("retry-after")),
        )

    def _retry_after(self, text: str | None) -> float | None:
        """Seconds, from a header of seconds or an HTTP date (RFC 9110 section 10.2.3)."""
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            pass
        try:
            return (parsedate_to_datetime(text) - self._now()).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None


def call_body(model: str, photo_url: str, callback_url: str | None) -> str:
    """The text of a call, as documented by the create page."""
    body: dict[str, object] = {"model": model, "image_urls": [photo_url]}
    if callback_url is not None:
        body["callback_url"] = callback_url
    return json.dumps(body)


def _accepted(answer: Answer) -> CreateOutcome:
    content = task_in(body_object(answer.body))
    task_id = task_id_in(content)
    if not _is_success(answer.status) or task_id is None:
        return OutcomeUnknown(message=f"the API answers {answer.status} without a task id")
    return Accepted(
        task_id=task_id,
        credits_reserved=credits_of(part(content, "usage").get("credits_reserved")),
        is_replay=answer.headers.get("idempotency-replayed", "").lower() == "true",
    )


def _task(task_id: str, content: Mapping[str, Any]) -> Task:
    status = str(content.get("status", "")).strip().lower()
    error = error_in(content)
    code = code_of(error.get("code")) or (_CANCELLED if status.startswith("cancel") else None)
    return Task(
        id=task_id,
        status=_STATUSES.get(status, TaskStatus.RUNNING),
        result_url=_result_url(content),
        credits_used=credits_of(part(content, "usage").get("credits_used")),
        cause=error_codes.cause_of_task_failure(code),
        retry=error_codes.retry_of_task(code),
        code=code,
        message=words(error.get("message")),
    )


def _result_url(content: Mapping[str, Any]) -> str | None:
    """The first result's link."""
    # `results` is documented, `result_data` is only seen in answers. Both are lists of links, or of
    # objects with a `url`; a single one without a list is accepted, too.
    for name in ("results", "result_data"):
        found = content.get(name)
        for one in found if isinstance(found, list) else [found]:
            link = link_of(one.get("url") if isinstance(one, dict) else one)
            if link is not None:
                return link
    return None


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - the range of HTTP successes
