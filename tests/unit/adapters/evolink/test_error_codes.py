"""The decision for each status and error code of the provider."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.adapters.evolink.error_codes import cause_of_task_failure, refusal, retry_of_task
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.provider_outcomes import Refused, Task, TaskStatus
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import Decision, Remedy, decide_refusal, decide_task_failure
from cutout.domain.states import Transport

FAIL = Decision(remedy=Remedy.FAIL)
TASK_FAILED = Decision(remedy=Remedy.FAIL, reason=Reason.TASK_FAILED)
WAIT = Decision(remedy=Remedy.WAIT)
KEY_REFUSED = Decision(remedy=Remedy.PAUSE, pause=PauseReason.KEY_REFUSED)
NO_CREDITS = Decision(
    remedy=Remedy.PAUSE, delay=timedelta(minutes=15), pause=PauseReason.OUT_OF_CREDITS
)
UNKNOWN_STATUSES = st.integers(400, 499).filter(lambda it: it not in {401, 402, 403, 409, 429})
KNOWN_CODES = {
    "paid_outcome_unknown",
    "idempotency_conflict",
    "no_available_channel",
    "channel_selection_failed",
    "model_unavailable",
    "service_unavailable",
}


def rate_limited(seconds: float) -> Decision:
    """A pause of the gate for this time."""
    return Decision(
        remedy=Remedy.PAUSE,
        delay=timedelta(seconds=seconds),
        pause=PauseReason.RATE_LIMITED,
    )


def refused(status: int, code: str = "x") -> Refused:
    """A refused call."""
    return refusal(status=status, code=code, message="m")


def failed(code: str | None) -> Task:
    """A failed task."""
    return Task(
        id="t",
        status=TaskStatus.FAILED,
        cause=cause_of_task_failure(code),
        retry=retry_of_task(code),
        code=code,
    )


@pytest.mark.parametrize(
    ("status", "code", "decision"),
    [
        (400, "invalid_request", FAIL),
        (400, "invalid_parameters", FAIL),
        (400, "content_policy_violation", FAIL),
        (400, "400", FAIL),
        (401, "unauthorized", KEY_REFUSED),
        (401, "invalid_token", KEY_REFUSED),
        (401, "401", KEY_REFUSED),
        (402, "insufficient_quota", NO_CREDITS),
        (402, "insufficient_user_quota", NO_CREDITS),
        (402, "402", NO_CREDITS),
        (403, "model_access_denied", KEY_REFUSED),
        (403, "permission_denied", KEY_REFUSED),
        (404, "not_found", FAIL),
        (409, "paid_outcome_unknown", WAIT),
        (409, "idempotency_conflict", WAIT),
        (400, "idempotency_conflict", WAIT),
        (409, "409", WAIT),
        (409, "conflict", WAIT),
        (403, "content_policy_violation", FAIL),
        (403, "moderation_blocked", FAIL),
        (429, "sensitive_content", FAIL),
        (400, "no_available_channel", rate_limited(60)),
        (403, "channel_selection_failed", rate_limited(60)),
        (404, "model_unavailable", rate_limited(60)),
        (400, "service_unavailable", rate_limited(60)),
        (413, "413", FAIL),
        (415, "unsupported", FAIL),
        (422, "validation", FAIL),
        (429, "rate_limit_exceeded", rate_limited(60)),
        (429, "429", rate_limited(60)),
    ],
)
def test_a_refusal_is_decided_by_its_code_or_else_its_status(
    status: int, code: str, decision: Decision
) -> None:
    """Account problems pause the gate, an undecided earlier call waits, the rest fails the job.

    A problem of one photo never pauses the gate, and a problem of the account fails no photo.
    """
    assert decide_refusal(refused(status, code)) == decision


@given(status=UNKNOWN_STATUSES, code=st.text())
def test_an_unknown_refusal_is_never_sent_again(status: int, code: str) -> None:
    """Unknown statuses and codes fail the job, since a repeat would be a new paid call."""
    if code not in KNOWN_CODES:
        assert decide_refusal(refused(status, code)) == FAIL


@pytest.mark.parametrize(
    ("code", "delays"),
    [
        # seconds before each further attempt; after the last of them the job fails
        ("content_policy_violation", []),
        ("invalid_parameters", []),
        ("image_processing_error", [30]),
        ("image_dimension_mismatch", []),
        ("request_cancelled", [30, 60]),
        ("generation_failed_no_content", [60]),
        ("service_error", [60, 120, 240]),
        ("generation_timeout", [120, 240]),
        ("resource_exhausted", [180, 360, 720]),
        ("quota_exceeded", [120, 240, 480]),
        ("service_unavailable", [180, 360, 720]),
        ("resource_not_found", []),
        ("unknown_error", [60]),
        ("invalid_request", []),
        ("model_unavailable", []),
        (None, []),
        ("", []),
    ],
)
def test_a_failed_task_is_tried_again_as_its_code_allows(
    code: str | None, delays: list[int]
) -> None:
    """Bounded, with a delay that doubles; never after a policy refusal or an unknown code."""
    decisions = [decide_task_failure(failed(code), earlier) for earlier in range(len(delays) + 1)]
    again = [
        Decision(remedy=Remedy.AGAIN, delay=timedelta(seconds=s), reason=Reason.TASK_FAILED)
        for s in delays
    ]
    assert decisions == [*again, TASK_FAILED]


THROUGH_FILES = Decision(remedy=Remedy.AGAIN, delay=timedelta(seconds=5), transport=Transport.FILES)


@pytest.mark.parametrize("code", ["invalid_media_url", "image_processing_error"])
def test_a_photo_that_could_not_be_fetched_is_sent_through_the_files_api(code: str) -> None:
    """Once; with a copy at the Files API, the same code fails the job."""
    presigned, files = Transport.PRESIGNED, Transport.FILES
    assert decide_refusal(refused(400, code), presigned) == THROUGH_FILES
    again = replace(THROUGH_FILES, reason=Reason.TASK_FAILED)
    assert decide_task_failure(failed(code), 0, presigned) == again
    assert decide_refusal(refused(400, code), files) == FAIL
    assert decide_task_failure(failed(code), 1, files) == TASK_FAILED


@pytest.mark.parametrize("code", ["invalid_media_url", "image_processing_error"])
@pytest.mark.parametrize(
    ("status", "decision"),
    [
        (401, KEY_REFUSED),
        (402, NO_CREDITS),
        (403, KEY_REFUSED),
        (409, WAIT),
        (429, rate_limited(60)),
    ],
)
def test_a_copy_that_could_not_be_read_is_decided_by_its_status(
    code: str, status: int, decision: Decision
) -> None:
    """There is no link to replace, so account problems pause the gate."""
    assert decide_refusal(refused(status, code), Transport.FILES) == decision


@pytest.mark.parametrize(
    ("status", "code", "decision"),
    [
        (400, "invalid_request", FAIL),
        (402, "insufficient_quota", NO_CREDITS),
        (409, "paid_outcome_unknown", WAIT),
        (429, "rate_limit_exceeded", rate_limited(60)),
    ],
)
def test_other_refusals_do_not_change_the_transport(
    status: int, code: str, decision: Decision
) -> None:
    """A copy would be refused in the same way."""
    assert decide_refusal(refused(status, code), Transport.PRESIGNED) == decision


@given(code=st.text(), earlier=st.integers(0, 10_000))
def test_no_code_allows_more_than_three_further_attempts(code: str, earlier: int) -> None:
    """Whatever the code, a job makes at most four paid calls by itself."""
    decision = decide_task_failure(failed(code), earlier)
    assert decision.remedy in {Remedy.AGAIN, Remedy.FAIL}
    assert decision == TASK_FAILED or earlier < 3
