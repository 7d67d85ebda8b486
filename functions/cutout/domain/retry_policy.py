"""What we do about each way a paid call can fail: the retry policy, as one table.

A row says: where it failed, HTTP status, error code, how the photo was handed over, how often it
failed before; then what follows, and who says so. Unknown codes are kept as they came and are not
retried, since a retry is a new paid call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from cutout.domain.gate import PauseReason
from cutout.domain.provider import Refused
from cutout.domain.states import Transport


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


class Where(StrEnum):
    """What failed."""

    CREATE = "create"
    """The paid call was refused."""
    TASK = "task"
    """The call was taken, and its task failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row of the retry policy; what is None matches everything.

    Attributes:
        status: the HTTP status of a refused call.
        handed_over: how the provider got the photo.
        most: so many attempts may have failed before for the row to apply.
        source: who says so.
    """

    where: Where
    status: int | None = None
    code: str | None = None
    handed_over: Transport | None = None
    most: int | None = None
    then: Decision
    source: str

    def matches(self, failure: Failure) -> bool:
        """Whether the row is about this failure."""
        return (
            self.where is failure.where
            and self.status in {None, failure.status}
            and self.code in {None, failure.code}
            and self.handed_over in {None, failure.handed_over}
            and (self.most is None or failure.earlier < self.most)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What is known of a failed attempt. `earlier`: how many attempts of the job failed before."""

    where: Where
    status: int | None = None
    code: str | None = None
    handed_over: Transport
    earlier: int = 0


_FAIL = Decision(verdict=Verdict.FAIL)
_WAIT = Decision(verdict=Verdict.WAIT)
_THROUGH_FILES = Decision(
    verdict=Verdict.AGAIN,
    delay=timedelta(seconds=5),
    transport=Transport.FILES,
)
_KEY_REFUSED = Decision(verdict=Verdict.PAUSE, pause=PauseReason.KEY_REFUSED)
_OUT_OF_CREDITS = Decision(
    verdict=Verdict.PAUSE,
    delay=timedelta(minutes=15),
    pause=PauseReason.OUT_OF_CREDITS,
)
_RATE_LIMITED = Decision(
    verdict=Verdict.PAUSE,
    delay=timedelta(seconds=60),
    pause=PauseReason.RATE_LIMITED,
)
_SHORTEST_RETRY_AFTER_SECONDS = 1.0
_LONGEST_RETRY_AFTER_SECONDS = 3600.0


def _again(seconds: int) -> Decision:
    """Another attempt; the delay doubles with each that failed before."""
    return Decision(verdict=Verdict.AGAIN, delay=timedelta(seconds=seconds))


def _refused(status: int, then: Decision, source: str) -> Rule:
    return Rule(where=Where.CREATE, status=status, then=then, source=source)


def _undecided(code: str, source: str) -> Rule:
    return Rule(where=Where.CREATE, code=code, then=_WAIT, source=source)


def _photos_own(code: str) -> Rule:
    """It is about this photo, whatever the status: a 403 of this kind must not keep out others."""
    return Rule(where=Where.CREATE, code=code, then=_FAIL, source=f"{_CLIENT}: moderation")


def _no_capacity(code: str) -> Rule:
    """Nobody's fault and no photo's: whatever the status, everybody comes again later."""
    return Rule(where=Where.CREATE, code=code, then=_RATE_LIMITED, source=f"{_CLIENT}: capacity")


def _unreadable(where: Where, code: str, source: str) -> Rule:
    """The photo could not be read by its link: a copy at the Files API may do."""
    return Rule(
        where=where,
        code=code,
        handed_over=Transport.PRESIGNED,
        then=_THROUGH_FILES,
        source=source,
    )


def _failed(code: str, most: int, then: Decision, source: str) -> Rule:
    return Rule(where=Where.TASK, code=code, most=most, then=then, source=f"{_CODES}: {source}")


_CREATE = "create page, error responses"
_CLIENT = "official client, error handler"
_CODES = "error-code page"
POLICY: tuple[Rule, ...] = (
    _undecided("paid_outcome_unknown", f"{_CLIENT}: an earlier call of the key is undecided"),
    _undecided("idempotency_conflict", f"{_CLIENT}: the key came with another body"),
    _refused(409, _WAIT, "ours: keys are used once, so it can only be about an earlier equal call"),
    _photos_own("content_policy_violation"),
    _photos_own("content_filter"),
    _photos_own("sensitive_content"),
    _photos_own("moderation_blocked"),
    _photos_own("input_moderation_failed"),
    _no_capacity("no_available_channel"),
    _no_capacity("channel_selection_failed"),
    _no_capacity("model_unavailable"),
    _no_capacity("service_unavailable"),
    _unreadable(Where.CREATE, "invalid_media_url", _CLIENT),
    _unreadable(
        Where.CREATE, "image_processing_error", f"{_CODES}: or upload through the Files API"
    ),
    _unreadable(Where.TASK, "invalid_media_url", _CLIENT),
    _unreadable(Where.TASK, "image_processing_error", f"{_CODES}: or upload through the Files API"),
    _refused(401, _KEY_REFUSED, f"{_CREATE}: invalid or expired token"),
    _refused(402, _OUT_OF_CREDITS, f"{_CREATE}: insufficient quota, please top up"),
    _refused(403, _KEY_REFUSED, f"{_CREATE}: access denied"),
    _refused(429, _RATE_LIMITED, f"{_CREATE}; no figures there, 60 s seen in clients"),
    _failed("image_processing_error", 1, _again(30), "a failed download is among its causes"),
    _failed("request_cancelled", 2, _again(30), "resubmit"),
    _failed("generation_failed_no_content", 1, _again(60), "safe to retry; or: another prompt"),
    _failed("service_error", 3, _again(60), "the same request after 30 to 60 s"),
    _failed("generation_timeout", 2, _again(120), "later"),
    _failed("resource_exhausted", 3, _again(180), "after 1 to 5 minutes"),
    _failed("quota_exceeded", 3, _again(120), "a rate or concurrency limit: slower"),
    _failed("service_unavailable", 3, _again(180), "after minutes"),
    _failed("unknown_error", 1, _again(60), "retry after a short wait; or: ask support"),
    Rule(where=Where.CREATE, then=_FAIL, source="ours: a retry is a new paid call"),
    Rule(where=Where.TASK, then=_FAIL, source="ours: a retry is a new paid call"),
)
"""The first row that matches a failure says what to do; the last two match all that is unknown."""


def decide(failure: Failure) -> Decision:
    """What the policy says to a failure."""
    return next(rule.then for rule in POLICY if rule.matches(failure))


def decide_refusal(refused: Refused, transport: Transport = Transport.FILES) -> Decision:
    """What to do about a refused create call whose photo was handed over this way."""
    decision = decide(
        Failure(
            where=Where.CREATE,
            status=refused.status,
            code=refused.code,
            handed_over=transport,
        ),
    )
    if decision.pause is PauseReason.RATE_LIMITED and refused.retry_after_seconds is not None:
        # Bounded as a number: the header may hold one that no timedelta can.
        asked = max(_SHORTEST_RETRY_AFTER_SECONDS, refused.retry_after_seconds)
        return replace(
            decision,
            delay=timedelta(seconds=min(asked, _LONGEST_RETRY_AFTER_SECONDS)),
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
    failure = Failure(
        where=Where.TASK,
        code=code,
        handed_over=transport,
        earlier=earlier_failures,
    )
    decision = decide(failure)
    if decision.delay is None or decision.transport is not None:
        return decision
    return replace(decision, delay=decision.delay * 2**earlier_failures)
