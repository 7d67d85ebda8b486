"""The decision for each cause of a refused call or a failed task."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.provider_outcomes import Cause, Refused, Retry, Task, TaskStatus
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import (
    Decision,
    Remedy,
    decide_refusal,
    decide_task_failure,
    is_final_refusal,
)
from cutout.domain.states import State, Transport
from tests.support.builders import a_job

FAIL = Decision(remedy=Remedy.FAIL)
TASK_FAILED = Decision(remedy=Remedy.FAIL, reason=Reason.TASK_FAILED)
WAIT = Decision(remedy=Remedy.WAIT)
AS_A_COPY = Decision(remedy=Remedy.AGAIN, delay=timedelta(seconds=5), transport=Transport.FILES)
KEY_REFUSED = Decision(remedy=Remedy.PAUSE, pause=PauseReason.KEY_REFUSED)
NO_CREDITS = Decision(
    remedy=Remedy.PAUSE, delay=timedelta(minutes=15), pause=PauseReason.OUT_OF_CREDITS
)
SECONDS = st.floats(allow_nan=True, allow_infinity=True)


def rate_limited(seconds: float) -> Decision:
    """A pause of the gate for this time."""
    return Decision(
        remedy=Remedy.PAUSE,
        delay=timedelta(seconds=seconds),
        pause=PauseReason.RATE_LIMITED,
    )


def refused(cause: Cause, retry_after: float | None = None) -> Refused:
    """A refused call."""
    return Refused(cause=cause, code="x", message="m", retry_after_seconds=retry_after)


def failed(cause: Cause = Cause.OTHER, retry: Retry | None = None) -> Task:
    """A failed task."""
    return Task(id="t", status=TaskStatus.FAILED, cause=cause, retry=retry)


@pytest.mark.parametrize("transport", list(Transport))
@pytest.mark.parametrize(
    ("cause", "decision"),
    [
        (Cause.OUT_OF_CREDITS, NO_CREDITS),
        (Cause.KEY_REFUSED, KEY_REFUSED),
        (Cause.RATE_LIMITED, rate_limited(60)),
        (Cause.CALL_UNDECIDED, WAIT),
        (Cause.OTHER, FAIL),
    ],
)
def test_a_refusal_is_decided_by_its_cause(
    transport: Transport, cause: Cause, decision: Decision
) -> None:
    """Account problems pause the gate, an undecided earlier call waits, the rest fails the job."""
    assert decide_refusal(refused(cause), transport) == decision


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        (None, 60),
        (90, 90),
        (1.5, 1.5),
        (0, 1),
        (-30, 1),
        (3600, 3600),
        (3601, 3600),
        (1e300, 3600),
        (float("inf"), 3600),
        (float("nan"), 1),
    ],
)
def test_retry_after_is_honoured_within_limits(retry_after: float | None, delay: float) -> None:
    """At least a second, at most an hour; a minute if the provider does not say."""
    assert decide_refusal(refused(Cause.RATE_LIMITED, retry_after)) == rate_limited(delay)


@given(seconds=SECONDS)
def test_no_retry_after_can_break_the_decision(seconds: float) -> None:
    """The header is untrusted: whatever its number, the gate pauses for 1 s to 1 h."""
    delay = decide_refusal(refused(Cause.RATE_LIMITED, seconds)).delay
    assert delay is not None
    assert timedelta(seconds=1) <= delay <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("cause", "decision"),
    [(Cause.KEY_REFUSED, KEY_REFUSED), (Cause.OUT_OF_CREDITS, NO_CREDITS), (Cause.OTHER, FAIL)],
)
def test_retry_after_applies_to_rate_limits_only(cause: Cause, decision: Decision) -> None:
    """An operator replaces a refused key; an empty account is probed at fixed intervals."""
    assert decide_refusal(refused(cause, 5)) == decision


@pytest.mark.parametrize("retry", [None, Retry(delay=timedelta(seconds=30), most=1)])
def test_a_photo_that_could_not_be_fetched_is_sent_as_a_copy(retry: Retry | None) -> None:
    """Once: a copy that cannot be read either is a failure like any other."""
    refusal, task = refused(Cause.PHOTO_NOT_FETCHED), failed(Cause.PHOTO_NOT_FETCHED, retry)
    assert decide_refusal(refusal, Transport.PRESIGNED) == AS_A_COPY
    again = replace(AS_A_COPY, reason=Reason.TASK_FAILED)
    assert decide_task_failure(task, 7, Transport.PRESIGNED) == again
    assert decide_refusal(refusal, Transport.FILES) == FAIL
    assert decide_task_failure(task, 1, Transport.FILES) == TASK_FAILED


@pytest.mark.parametrize(
    ("cause", "decision"),
    [(Cause.KEY_REFUSED, KEY_REFUSED), (Cause.RATE_LIMITED, rate_limited(5)), (Cause.OTHER, FAIL)],
)
def test_a_copy_that_could_not_be_fetched_is_decided_by_its_other_cause(
    cause: Cause, decision: Decision
) -> None:
    """A link is replaced by a copy first, whatever the other cause."""
    refusal = replace(refused(Cause.PHOTO_NOT_FETCHED, 5), cause_of_copy=cause)
    assert decide_refusal(refusal, Transport.FILES) == decision
    assert decide_refusal(refusal, Transport.PRESIGNED) == AS_A_COPY


def test_a_failed_task_is_tried_again_as_often_as_the_provider_allows() -> None:
    """The delay doubles with each failure; after the last retry the job fails."""
    task = failed(retry=Retry(delay=timedelta(seconds=60), most=3))
    again = [
        Decision(remedy=Remedy.AGAIN, delay=timedelta(seconds=seconds), reason=Reason.TASK_FAILED)
        for seconds in (60, 120, 240)
    ]
    assert [decide_task_failure(task, earlier) for earlier in range(5)] == [
        *again,
        TASK_FAILED,
        TASK_FAILED,
    ]


@pytest.mark.parametrize(
    ("state", "code", "is_final"),
    [
        (State.FAILED, "indecent", True),
        (State.FAILED, "busy", False),
        (State.FAILED, None, False),
        (State.QUEUED, "indecent", False),
    ],
)
def test_a_refusal_for_the_content_is_final(
    state: State, code: str | None, *, is_final: bool
) -> None:
    """The codes are the provider's own. An open job is not refused yet."""
    assert is_final_refusal(a_job(state, code=code), frozenset({"indecent"})) is is_final


def test_a_failed_task_without_a_retry_rule_is_not_tried_again() -> None:
    """A retry is a new paid call."""
    assert decide_task_failure(failed(), 0) == TASK_FAILED
