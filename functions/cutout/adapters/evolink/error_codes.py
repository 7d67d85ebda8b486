"""What the provider's HTTP statuses and error codes mean.

Sources: the documentation's page of the create call ("create page") and of error codes ("error-code
page"), and the error handler of the provider's official client ("client"). The set of codes is
open: an unknown code means that the same call would fail again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from cutout.adapters.evolink.promises_and_prices import TERMS
from cutout.domain.provider_outcomes import Cause, Refused, Retry

_CONFLICT = 409
# Client, and error-code page: upload the photo through the Files API instead.
_UNREADABLE_PHOTO = ("invalid_media_url", "image_processing_error")
_REFUSAL_CODES: Mapping[str, Cause] = {
    # Client: an earlier call with the key is undecided, or the key came with another body.
    "paid_outcome_unknown": Cause.CALL_UNDECIDED,
    "idempotency_conflict": Cause.CALL_UNDECIDED,
    # It concerns one photo, so a 403 of this kind must not pause the gate.
    **dict.fromkeys(TERMS.final_codes, Cause.OTHER),
    # Client: no capacity, whatever the status.
    "no_available_channel": Cause.RATE_LIMITED,
    "channel_selection_failed": Cause.RATE_LIMITED,
    "model_unavailable": Cause.RATE_LIMITED,
    "service_unavailable": Cause.RATE_LIMITED,
    **dict.fromkeys(_UNREADABLE_PHOTO, Cause.PHOTO_NOT_FETCHED),
}
_REFUSAL_STATUSES: Mapping[int, Cause] = {
    # Create page, error responses.
    401: Cause.KEY_REFUSED,
    402: Cause.OUT_OF_CREDITS,
    403: Cause.KEY_REFUSED,
    429: Cause.RATE_LIMITED,
}


def _retry(seconds: int, most: int) -> Retry:
    return Retry(delay=timedelta(seconds=seconds), most=most)


_TASK_RETRIES: Mapping[str, Retry] = {
    # Error-code page; delays where it names some.
    "image_processing_error": _retry(30, 1),  # a failed download is among its causes
    "request_cancelled": _retry(30, 2),  # "resubmit"
    "generation_failed_no_content": _retry(60, 1),  # "safe to retry", and "try another prompt"
    "service_error": _retry(60, 3),  # the same request after 30 to 60 s
    "generation_timeout": _retry(120, 2),
    "resource_exhausted": _retry(180, 3),  # after 1 to 5 minutes
    "quota_exceeded": _retry(120, 3),  # a rate or concurrency limit: slower
    "service_unavailable": _retry(180, 3),  # after minutes
    "unknown_error": _retry(60, 1),  # "retry after a short wait", and "ask support"
}


def refusal(
    *, status: int, code: str, message: str, retry_after_seconds: float | None = None
) -> Refused:
    """A refusal with this HTTP status and error code."""
    by_status = _REFUSAL_STATUSES.get(status, Cause.OTHER)
    by_code = _REFUSAL_CODES.get(code, by_status)
    return Refused(
        # A key is used for one call only, so a conflict is with the earlier, equal call.
        cause=Cause.CALL_UNDECIDED if status == _CONFLICT else by_code,
        cause_of_copy=by_status,
        code=code,
        message=message,
        retry_after_seconds=retry_after_seconds,
    )


def cause_of_task_failure(code: str | None) -> Cause:
    """Why a task failed."""
    return Cause.PHOTO_NOT_FETCHED if code in _UNREADABLE_PHOTO else Cause.OTHER


def retry_of_task(code: str | None) -> Retry | None:
    """Whether a new call may succeed where a task failed with this code."""
    return _TASK_RETRIES.get(code or "")
