"""The retry policy: what follows a refused call or a failed task, and why a job ends then.

A retry is a new paid call. So a failure is retried only if the provider says that a new call may
succeed; everything else fails the job. A person may retry what failed, except where the provider
refused what the photo shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from cutout.domain.dataclass import dataclass
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import Cause, Refused, Task
from cutout.domain.reasons import Reason
from cutout.domain.states import State, Transport


class Remedy(StrEnum):
    """What to do about a failure."""

    FAIL = "fail"
    """Settle the job as `failed`."""
    AGAIN = "again"
    """Make another attempt after the delay."""
    PAUSE = "pause"
    """Put the job back into the queue and pause the gate; the job is not at fault."""
    WAIT = "wait"
    """The outcome is still unknown: wait for the callback."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A remedy and its particulars.

    Attributes:
        delay: before the next attempt, or until the pause ends; a pause with None lasts until a
            person resumes.
        transport: how the next attempt hands over the photo; None for no change.
        reason: of the job, if it ends.
    """

    remedy: Remedy
    delay: timedelta | None = None
    pause: PauseReason | None = None
    transport: Transport | None = None
    reason: Reason = Reason.REFUSED_BY_PROVIDER


_FAIL = Decision(remedy=Remedy.FAIL)
_AS_A_COPY = Decision(
    remedy=Remedy.AGAIN,
    delay=timedelta(seconds=5),
    transport=Transport.FILES,
)
_REFUSALS: Mapping[Cause, Decision] = {
    Cause.CALL_UNDECIDED: Decision(remedy=Remedy.WAIT),
    Cause.KEY_REFUSED: Decision(remedy=Remedy.PAUSE, pause=PauseReason.KEY_REFUSED),
    Cause.OUT_OF_CREDITS: Decision(
        remedy=Remedy.PAUSE,
        delay=timedelta(minutes=15),
        pause=PauseReason.OUT_OF_CREDITS,
    ),
    Cause.RATE_LIMITED: Decision(
        remedy=Remedy.PAUSE,
        delay=timedelta(seconds=60),
        pause=PauseReason.RATE_LIMITED,
    ),
}
_MIN_RETRY_AFTER_SECONDS = 1.0
_MAX_RETRY_AFTER_SECONDS = 3600.0


def decide_refusal(refused: Refused, transport: Transport = Transport.FILES) -> Decision:
    """What to do about a refused call of a photo that was handed over in this way."""
    if _was_link_unreadable(refused.cause, transport):
        return _AS_A_COPY
    is_copy_refused = refused.cause is Cause.PHOTO_NOT_FETCHED
    cause = refused.cause_of_copy if is_copy_refused else refused.cause
    decision = _REFUSALS.get(cause, _FAIL)
    if cause is Cause.RATE_LIMITED and refused.retry_after_seconds is not None:
        # Limited as a number: the header may hold one that is too large for a timedelta.
        asked = max(_MIN_RETRY_AFTER_SECONDS, refused.retry_after_seconds)
        return replace(decision, delay=timedelta(seconds=min(asked, _MAX_RETRY_AFTER_SECONDS)))
    return decision


def decide_task_failure(
    task: Task,
    earlier_failures: int,
    transport: Transport = Transport.FILES,
) -> Decision:
    """What to do about a failed task; each earlier failed attempt of its job doubles the delay."""
    if _was_link_unreadable(task.cause, transport):
        return replace(_AS_A_COPY, reason=Reason.TASK_FAILED)
    if task.retry is None or earlier_failures >= task.retry.most:
        return replace(_FAIL, reason=Reason.TASK_FAILED)
    delay = task.retry.delay * 2**earlier_failures
    return Decision(remedy=Remedy.AGAIN, delay=delay, reason=Reason.TASK_FAILED)


def is_final_refusal(job: Job, final_codes: frozenset[str]) -> bool:
    """True if the provider refused what the photo shows, so that no retry can succeed."""
    return job.state is State.FAILED and job.code in final_codes


def _was_link_unreadable(cause: Cause, transport: Transport) -> bool:
    """True if the provider could not read our link: a copy in its file store may do."""
    return cause is Cause.PHOTO_NOT_FETCHED and transport is Transport.PRESIGNED
