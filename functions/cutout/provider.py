"""What the provider says, as values, and what we do about it, as one table.

Sources: the provider's create page and error-code page, and its official client (each row names
which). Decisions go by HTTP status first, then by error code; an unknown code is kept as it came
and not retried, since a retry is a new paid call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from cutout.gate import PauseReason
from cutout.states import Transport


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The call was taken: a task exists and credits are reserved.

    Attributes:
        is_replay: the provider answered with the task of an earlier call of the same key.
    """

    task_id: str
    credits_reserved: Decimal | None
    is_replay: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The call was refused; nothing is paid."""

    status: int
    code: str
    message: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NotSent:
    """The call never left; nothing is paid."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeUnknown:
    """The call may have been taken and charged."""

    message: str


CreateOutcome = Accepted | Refused | NotSent | OutcomeUnknown


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """A copy of a photo at the provider's Files API. `url` is public to whoever knows it."""

    file_id: str
    url: str


def words(text: object) -> str | None:
    """A provider's message as it may be kept and announced: short, and without links.

    Messages quote the photo's URL, which lets whoever reads it read the photo.
    """
    return _LINK.sub("[link]", str(text))[:_LONGEST_MESSAGE] if text else None


_LINK = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_LONGEST_MESSAGE = 500


class TaskStatus(StrEnum):
    """How far a task is. A status we do not know counts as running."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task as the provider's own read shows it.

    Attributes:
        result_url: where the cut-out can be fetched, if it is completed and says so.
        credits_used: None if the provider does not say.
    """

    id: str
    status: TaskStatus
    result_url: str | None = None
    credits_used: Decimal | None = None
    code: str | None = None
    message: str | None = None


class Verdict(StrEnum):
    """What to do about an error."""

    FAIL = "fail"
    """Settle the job as `failed`."""
    AGAIN = "again"
    """Another attempt after the delay."""
    PAUSE = "pause"
    """Back to the queue without blame, and intake pauses for everyone."""
    WAIT = "wait"
    """Nothing is known yet: the outcome is still being decided at the provider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A verdict and its particulars. `delay` None with PAUSE: until a person resumes.

    Attributes:
        transport: hand the photo over this way the next time; None changes nothing.
    """

    verdict: Verdict
    delay: timedelta | None = None
    pause: PauseReason | None = None
    transport: Transport | None = None


_FAIL = Decision(verdict=Verdict.FAIL)
_THROUGH_FILES = Decision(
    verdict=Verdict.AGAIN,
    delay=timedelta(seconds=5),
    transport=Transport.FILES,
)
_PROBE_AFTER = timedelta(minutes=15)
_RATE_LIMIT_PAUSE = timedelta(seconds=60)
_SHORTEST_RETRY_AFTER_SECONDS = 1.0
_LONGEST_RETRY_AFTER_SECONDS = 3600.0

_REFUSALS: dict[int, Decision] = {
    # 401, 403: "invalid or expired token", "access denied" (create page)
    401: Decision(verdict=Verdict.PAUSE, pause=PauseReason.KEY_REFUSED),
    403: Decision(verdict=Verdict.PAUSE, pause=PauseReason.KEY_REFUSED),
    # 402: "insufficient quota, please top up" (create page)
    402: Decision(verdict=Verdict.PAUSE, delay=_PROBE_AFTER, pause=PauseReason.OUT_OF_CREDITS),
    # 429: per model and account, no figures published; cool-down of 60 s seen in clients
    429: Decision(verdict=Verdict.PAUSE, delay=_RATE_LIMIT_PAUSE, pause=PauseReason.RATE_LIMITED),
}
_UNFETCHABLE = frozenset({"invalid_media_url", "image_processing_error"})
"""The provider could not read the photo by its link: a copy at its Files API may do."""
_UNDECIDED_CODES = frozenset({"paid_outcome_unknown", "idempotency_conflict"})
"""409: the earlier call of the same key is not decided or differs (official client)."""

_TASK_RETRIES: dict[str, tuple[int, timedelta]] = {
    # code: (how often again at most, first delay); error-code page, "retry?" column
    "image_processing_error": (1, timedelta(seconds=30)),
    "request_cancelled": (2, timedelta(seconds=30)),
    "generation_failed_no_content": (1, timedelta(seconds=60)),
    "service_error": (3, timedelta(seconds=60)),
    "generation_timeout": (2, timedelta(minutes=2)),
    "resource_exhausted": (3, timedelta(minutes=3)),
    "quota_exceeded": (3, timedelta(minutes=2)),
    "service_unavailable": (3, timedelta(minutes=3)),
    "unknown_error": (1, timedelta(seconds=60)),
}


def decide_refusal(refused: Refused, transport: Transport = Transport.FILES) -> Decision:
    """What to do about a refused create call whose photo was handed over this way."""
    if refused.code in _UNDECIDED_CODES:
        return Decision(verdict=Verdict.WAIT)
    if refused.code in _UNFETCHABLE and transport is Transport.PRESIGNED:
        return _THROUGH_FILES
    decision = _REFUSALS.get(refused.status, _FAIL)
    if decision.pause is PauseReason.RATE_LIMITED and refused.retry_after_seconds is not None:
        # Bounded as a number: the header may hold one that no timedelta can.
        asked = max(_SHORTEST_RETRY_AFTER_SECONDS, refused.retry_after_seconds)
        return Decision(
            verdict=Verdict.PAUSE,
            delay=timedelta(seconds=min(asked, _LONGEST_RETRY_AFTER_SECONDS)),
            pause=PauseReason.RATE_LIMITED,
        )
    return decision


def decide_task_failure(
    code: str | None,
    earlier_failures: int,
    transport: Transport = Transport.FILES,
) -> Decision:
    """What to do about a failed task.

    Args:
        code: the task's error code as it came.
        earlier_failures: how many attempts of this job failed before this one.
        transport: how the photo was handed over.
    """
    if code in _UNFETCHABLE and transport is Transport.PRESIGNED:
        return _THROUGH_FILES
    most, first_delay = _TASK_RETRIES.get(code or "", (0, timedelta(0)))
    if earlier_failures >= most:
        return _FAIL
    return Decision(verdict=Verdict.AGAIN, delay=first_delay * 2**earlier_failures)
