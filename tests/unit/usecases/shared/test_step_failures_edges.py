"""What a failing step changes in the job, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutout.domain.errors import SourceDeniedError
from cutout.domain.job.attempt import Attempt
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.usecases.shared.step_failures import Step, StepFailures
from tests.support.builders import a_job, an_attempt
from tests.support.fakes.clock import START
from tests.support.fakes.world import World

KNOWN = an_attempt(1, outcome=AttemptOutcome.ACCEPTED, task_id="task-1")
ASKED = replace(KNOWN, is_asked_again=True)


def failures(world: World) -> StepFailures:
    """Step failures of a function that handles jobs in every state."""
    return replace(world.submit.failures, states=frozenset(State))


def test_a_step_without_an_error_leaves_the_job_unchanged() -> None:
    """No failure is recorded."""
    job = a_job()
    with failures(World()).guard(job) as step:
        pass
    assert step == Step(job=job)


def test_an_error_for_a_job_that_has_expired_goes_to_the_queue() -> None:
    """There is no job to count it in."""
    with pytest.raises(SourceDeniedError), failures(World()).guard(a_job()):
        raise SourceDeniedError("AccessDenied")


@pytest.mark.parametrize(
    ("error", "is_denied"), [(SourceDeniedError("x"), True), (KeyError("x"), False), (None, False)]
)
def test_only_a_denial_by_s3_marks_a_step_as_denied(
    error: Exception | None,
    is_denied: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The photo of the next job may still be readable."""
    assert Step(job=a_job(), error=error).is_denied is is_denied


@pytest.mark.parametrize(
    ("state", "attempts", "then", "reason"),
    [
        (State.STORING, (ASKED,), (KNOWN,), Reason.STEP_FAILED),
        (State.PROCESSING, (ASKED,), (ASKED,), Reason.STEP_FAILED),
        (State.STORING, (), (), Reason.STEP_FAILED),
        (State.QUEUED, (), (), Reason.STEP_FAILED),
        (State.UNCONFIRMED, (ASKED,), (ASKED,), Reason.OUTCOME_UNKNOWN),
    ],
)
def test_the_next_retry_asks_for_a_result_that_could_not_be_stored(
    state: State,
    attempts: tuple[Attempt, ...],
    then: tuple[Attempt, ...],
    reason: Reason,
) -> None:
    """The result still exists at the provider; other tasks are not asked for again."""
    world = World()
    job = world.jobs.claim(a_job(state, attempts=attempts, storing_attempt=1, due_at=START))
    after = failures(world).end(job, "text")
    assert (after.state, after.reason, after.attempts) == (State.FAILED, reason, then)
