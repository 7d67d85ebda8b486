"""A callback names the task of a call without a response, and the task is read.

The name counts once the API confirms it. Until then it is recorded in the job, the task is read
again, and the call is not repeated.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.domain.errors import (
    ProviderBusyError,
    ResponseLostError,
    StoreBusyError,
    TaskUnknownError,
)
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import CreateOutcome, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.evolink import FakeEvolink, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook, WorkerCrashedError

TASK = "task-unified-000001"
MINUTE = timedelta(minutes=1)
GRACE = TIMING.unconfirmed_grace
NOT_YET = TaskUnknownError("the API knows no such task")


def unconfirmed() -> tuple[World, Job]:
    """A job whose accepted call got no response, and whose task ended; a repeat would be paid."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.evolink.complete(TASK)
    return world, job


def calls(world: World) -> tuple[int, int]:
    """How often the photo was posted, and paid for."""
    return len(world.evolink.posts), len(world.evolink.charges)


@pytest.mark.parametrize(
    "error",
    [NOT_YET, ProviderBusyError("the API answers 503", status=503), ResponseLostError("reset")],
    ids=["not known yet", "busy", "lost"],
)
def test_a_task_that_cannot_be_read_yet_is_read_again_soon(error: Exception) -> None:
    """Long before the grace time ends, and without a second call."""
    world, job = unconfirmed()
    world.evolink.read_faults.append(error)
    assert world.check_task(job, task_id=TASK).state is State.UNCONFIRMED
    world.passes(2 * MINUTE)
    assert (world.job(job).state, calls(world)) == (State.COMPLETED, (1, 1))


def test_a_call_is_not_repeated_while_the_task_named_in_its_callback_cannot_be_read() -> None:
    """The API is down for longer than the grace time: a repeat would be paid again."""
    world, job = unconfirmed()
    world.evolink.read_rule = lambda: ProviderBusyError("the API answers 503", status=503)
    world.check_task(job, task_id=TASK)
    world.passes(3 * GRACE)
    assert (world.job(job).state, calls(world)) == (State.UNCONFIRMED, (1, 1))
    world.evolink.read_rule = lambda: None
    world.passes(2 * TIMING.poll_interval)
    assert (world.job(job).state, calls(world)) == (State.COMPLETED, (1, 1))


def test_a_task_that_can_never_be_read_is_given_up_at_the_deadline() -> None:
    """Every job ends."""
    world, job = unconfirmed()
    world.evolink.read_rule = lambda: ResponseLostError("ReadTimeout")
    world.check_task(job, task_id=TASK)
    world.passes(TIMING.job_deadline + 2 * TIMING.poll_interval)
    lost = world.job(job)
    assert (lost.state, lost.reason, calls(world)) == (
        State.FAILED,
        Reason.OUTCOME_UNKNOWN,
        (1, 1),
    )


def test_a_task_id_that_the_api_never_knows_delays_no_repeat() -> None:
    """The body is wrong: at the end of the grace time, and not before, the call is repeated."""
    world = World()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives()
    world.check_task(job, task_id="task-of-somebody-else")
    world.passes(GRACE - MINUTE)
    assert (world.job(job).state, calls(world)) == (State.UNCONFIRMED, (1, 0))
    world.passes(2 * MINUTE)
    assert (world.job(job).state, calls(world)) == (State.PROCESSING, (2, 1))


def test_a_correct_task_id_is_accepted_after_a_wrong_one() -> None:
    """Callbacks are repeated, and each is checked by itself."""
    world, job = unconfirmed()
    world.check_task(job, task_id="task-of-somebody-else")
    assert world.check_task(job, task_id=TASK).state is State.COMPLETED
    assert calls(world) == (1, 1)


def test_the_task_of_another_call_is_dropped_as_soon_as_it_is_recognised() -> None:
    """Otherwise the job would read it again and again, and never repeat the call."""
    world = World()
    other = world.arrives("b.jpg")
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives("a.jpg")
    world.evolink.read_faults.append(NOT_YET)
    world.check_task(job, task_id=world.task_of(other))
    world.passes(GRACE + 2 * MINUTE)
    (attempt,) = world.job(job).attempts
    assert (world.job(job).state, attempt.posts) == (State.PROCESSING, 2)


def called_back_too_early(world: World) -> None:
    """Deliver the next callback before the response and before the API knows the task."""

    def early(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        evolink.complete(TASK)
        evolink.read_faults.append(NOT_YET)
        (job,) = world.jobs.jobs.values()
        world.check_task(job, task_id=TASK)
        world.clock.advance(timedelta(seconds=1))
        return outcome

    world.evolink.create_faults.append(early)


def test_a_callback_before_the_response_counts_if_the_response_is_lost() -> None:
    """The worker crashes: when the lease has expired, the named task is known."""
    hook = Hook()
    world = World(step=hook)
    world.evolink.honours_keys = False
    called_back_too_early(world)
    hook.crash_at("evolink.create done")
    with pytest.raises(WorkerCrashedError):
        world.arrives()
    (job,) = world.jobs.jobs.values()
    world.passes(TIMING.lease + 3 * MINUTE)
    assert (world.job(job).state, calls(world)) == (State.COMPLETED, (1, 1))


def test_a_callback_before_the_response_does_not_override_it() -> None:
    """The response outweighs the callback's body."""
    world = World()
    called_back_too_early(world)
    job = world.arrives()
    (attempt,) = job.attempts
    assert (job.state, attempt.task_id, attempt.is_adopted) == (State.PROCESSING, TASK, False)
    assert job.due_at == world.clock.now() + TIMING.first_poll


def test_a_callback_of_an_earlier_call_does_not_affect_the_newest() -> None:
    """After a retry, the first call's task cannot be read: the queue redelivers the callback."""
    world, job = unconfirmed()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    world.evolink.read_rule = lambda: ResponseLostError("ReadTimeout")
    world.check_task(job, task_id=None)
    world.passes(2 * GRACE + 2 * MINUTE)
    assert world.job(job).state is State.FAILED
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    world.operate.retry(world.job(job))
    world.deliver_all()
    again = world.job(job)
    assert (again.state, len(again.attempts)) == (State.UNCONFIRMED, 2)
    with pytest.raises(ResponseLostError):
        world.check_task(job, task_id=TASK, attempt=1)
    first, second = world.job(job).attempts
    assert (first.named_task, second) == (TASK, again.attempts[1])
    assert (world.job(job).state, world.job(job).due_at) == (again.state, again.due_at)


def test_a_call_named_in_a_callback_is_not_repeated_by_an_older_message() -> None:
    """It was sent before the callback came, and is delivered after the grace time."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.evolink.read_rule = lambda: ProviderBusyError("the API answers 503", status=503)
    world.check_task(job, task_id=world.task_of(job))
    world.clock.advance(2 * GRACE)
    world.submit.advance(world.job(job))
    assert len(world.evolink.posts) == 1


def test_a_wrong_task_id_does_not_replace_a_correct_one() -> None:
    """A second callback names a task that the API does not know: it is delivered again."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    own = world.task_of(job)
    world.evolink.read_faults.append(ProviderBusyError("the API answers 503", status=503))
    world.check_task(job, task_id=own)
    world.clock.advance(11 * MINUTE)
    with pytest.raises(StoreBusyError):
        world.check_task(job, task_id="task-of-somebody-else")
    attempt = world.job(job).attempt
    assert attempt is not None
    assert attempt.named_task == own
