"""The provider's API over HTTP: requests as documented, answers read with tolerance.

Only the id is indispensable in an answer; every other field may be missing. Error codes come as
text or as numbers. What may have been charged is never called refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from cutout.adapters.evolink.account import Account, Answer, ApiKey, Http, json_object
from cutout.errors import (
    FetchRefusedError,
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
    TaskUnknownError,
)
from cutout.provider import (
    Accepted,
    CreateOutcome,
    NotSent,
    OutcomeUnknown,
    Refused,
    Task,
    TaskStatus,
    words,
)

_REFUSING = frozenset({400, 401, 402, 403, 404, 409, 413, 415, 422, 429})
"""Statuses by which the provider says that nothing was taken; every other may be charged."""
_NOT_FOUND = 404
_STATUSES = {
    "completed": TaskStatus.COMPLETED,
    "failed": TaskStatus.FAILED,
    "cancelled": TaskStatus.FAILED,
    "canceled": TaskStatus.FAILED,
}
_CANCELLED = "request_cancelled"
_MOST_CREDITS = 1_000_000
"""What is more is no price, and may be more than a table can hold."""


class EvolinkApi:
    """Creates and reads tasks.

    Args:
        http: sends one request and says whether it left.
        base_url: of the API.
        api_key: the key; asked at every call, and afresh when the API refuses it.
        now: for a Retry-After that is a date.
    """

    def __init__(
        self,
        http: Http,
        base_url: str,
        api_key: ApiKey,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._account = Account(http, base_url, api_key)
        self._now = now

    def get_ready(self) -> None:
        """Have the key at hand, which Secrets Manager may not give just now."""
        self._account.get_ready()

    def create(self, body: str, idempotency_key: str) -> CreateOutcome:
        """Make the paid call once; every way it can end is a value."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        try:
            answer = self._account.send("POST", "/v1/images/generations", headers, body.encode())
        except NotSentError as exc:
            return NotSent(message=str(exc))
        except (ResponseLostError, FetchRefusedError) as exc:
            return OutcomeUnknown(message=str(exc))
        if answer.status in _REFUSING:
            return self._refused(answer)
        return _accepted(answer)

    def read(self, task_id: str) -> Task:
        """The task as the API knows it."""
        answer = self._account.send("GET", f"/v1/tasks/{quote(task_id, safe='')}")
        told = json_object(answer.body)
        if answer.status == _NOT_FOUND and _error(told):
            # Without the API's own words, somebody in between may have said so.
            raise TaskUnknownError("the API knows no such task")
        told = told.get("data", told) if isinstance(told.get("data"), dict) else told
        if not _is_success(answer.status):
            raise ProviderBusyError(f"the API answers {answer.status}", status=answer.status)
        if not told:
            raise ResponseLostError("the API's answer is unreadable")
        return _task(task_id, told)

    def _refused(self, answer: Answer) -> Refused:
        error = _error(json_object(answer.body))
        return Refused(
            status=answer.status,
            code=str(error.get("code") or f"http_{answer.status}"),
            message=words(error.get("message")) or f"the API answers {answer.status}",
            retry_after_seconds=self._retry_after(answer.headers.get("retry-after")),
        )

    def _retry_after(self, text: str | None) -> float | None:
        """Seconds; the header holds seconds or an HTTP date (RFC 9110 section 10.2.3)."""
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


def _accepted(answer: Answer) -> CreateOutcome:
    told = json_object(answer.body)
    task_id = told.get("id") or told.get("task_id")
    if not _is_success(answer.status) or not isinstance(task_id, str) or not task_id:
        return OutcomeUnknown(message=f"the API answers {answer.status} without a task id")
    usage = told.get("usage")
    reserved = usage.get("credits_reserved") if isinstance(usage, dict) else None
    return Accepted(
        task_id=task_id,
        credits_reserved=_number(reserved),
        is_replay=answer.headers.get("idempotency-replayed", "").lower() == "true",
    )


def _task(task_id: str, told: Mapping[str, Any]) -> Task:
    status = str(told.get("status", ""))
    error = _error(told)
    code = error.get("code") or (_CANCELLED if status.startswith("cancel") else None)
    usage = told.get("usage")
    used = usage.get("credits_used") if isinstance(usage, dict) else None
    return Task(
        id=str(told.get("id") or task_id),
        status=_STATUSES.get(status, TaskStatus.RUNNING),
        result_url=_result_url(told),
        credits_used=_number(used),
        code=None if code is None else str(code),
        message=words(error.get("message")),
    )


def _result_url(told: Mapping[str, Any]) -> str | None:
    """The first result; `result_data` is what the API adds, `results` what it documents."""
    for name in ("results", "result_data"):
        found = told.get(name)
        first = found[0] if isinstance(found, list) and found else None
        url = first.get("url") if isinstance(first, dict) else first
        if isinstance(url, str) and url:
            return url
    return None


def _error(told: Mapping[str, Any]) -> Mapping[str, Any]:
    error = told.get("error")
    return error if isinstance(error, dict) else {}


def _number(value: object) -> Decimal | None:
    try:
        number = Decimal(str(value)) if isinstance(value, int | float | str) else None
    except InvalidOperation:
        return None
    if number is None or not number.is_finite() or not 0 <= number < _MOST_CREDITS:
        return None
    return round(number, 6)


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - what a success is
