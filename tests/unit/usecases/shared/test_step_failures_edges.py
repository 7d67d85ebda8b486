"""What a step that raises leaves on the row, and what it does not."""

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
    """Of a function that moves every job."""
    return replace(world.submit.failures, states=frozenset(State))


def test_a_step_without_anything_to_do_leaves_the_job_as_it_is() -> None:
    """It ended in order."""
    job = a_job()
    with failures(World()).guard(job) as step:
        pass
    assert step == Step(job=job)


def test_what_a_step_raises_for_a_row_that_is_gone_is_the_queues() -> None:
    """There is nowhere to count it."""
    with pytest.raises(SourceDeniedError), failures(World()).guard(a_job()):
        raise SourceDeniedError("AccessDenied")


@pytest.mark.parametrize(
    ("error", "is_denied"), [(SourceDeniedError("x"), True), (KeyError("x"), False), (None, False)]
)
def test_a_step_is_denied_by_s3_alone(
    error: Exception | None,
    is_denied: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The next photo may be readable then."""
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
def test_a_result_that_could_not_be_stored_is_asked_for_by_the_next_retry(
    state: State,
    attempts: tuple[Attempt, ...],
    then: tuple[Attempt, ...],
    reason: Reason,
) -> None:
    """It is still there; what was answered otherwise is not asked about again."""
    world = World()
    job = world.jobs.claim(a_job(state, attempts=attempts, storing_attempt=1, due_at=START))
    after = failures(world).end(job, "text")
    assert (after.state, after.reason, after.attempts) == (State.FAILED, reason, then)
