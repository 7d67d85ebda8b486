"""A callback names the task of a call whose answer nobody has: it is not asked for in vain.

The body is believed once the API confirms it. Until it can, what the callback named stays on the
row, the task is asked after again, and the call is not repeated meanwhile.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.domain.errors import ProviderBusyError, ResponseLostError, TaskUnknownError
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import CreateOutcome, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.evolink import FakeEvolink, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook, WorkerDiedError

TASK = "task-unified-000001"
MINUTE = timedelta(minutes=1)
GRACE = TIMING.unconfirmed_grace
NOT_YET = TaskUnknownError("the API knows no such task")


def unconfirmed() -> tuple[World, Job]:
    """A photo whose call was taken and ended, but nobody knows it; a repeat would be paid for."""
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
def test_a_task_that_cannot_be_read_yet_is_asked_for_again_soon(error: Exception) -> None:
    """Long before the grace time is over, and without a second call."""
    world, job = unconfirmed()
    world.evolink.read_faults.append(error)
    assert world.wake(job, task_id=TASK).state is State.UNCONFIRMED
    world.passes(2 * MINUTE)
    assert (world.job(job).state, calls(world)) == (State.COMPLETED, (1, 1))


def test_a_call_is_not_repeated_while_the_task_that_its_callback_named_cannot_be_read() -> None:
    """The API is down for longer than the grace time: the photo would be paid for twice."""
    world, job = unconfirmed()
    world.evolink.read_rule = lambda: ProviderBusyError("the API answers 503", status=503)
    world.wake(job, task_id=TASK)
    world.passes(3 * GRACE)
    assert (world.job(job).state, calls(world)) == (State.UNCONFIRMED, (1, 1))
    world.evolink.read_rule = lambda: None
    world.passes(2 * TIMING.poll_interval)
    assert (world.job(job).state, calls(world)) == (State.COMPLETED, (1, 1))


def test_a_task_that_can_never_be_read_is_given_up_at_the_deadline() -> None:
    """No job stands anywhere for ever."""
    world, job = unconfirmed()
    world.evolink.read_rule = lambda: ResponseLostError("ReadTimeout")
    world.wake(job, task_id=TASK)
    world.passes(TIMING.job_deadline + 2 * TIMING.poll_interval)
    lost = world.job(job)
    assert (lost.state, lost.reason, calls(world)) == (
        State.FAILED,
        Reason.OUTCOME_UNKNOWN,
        (1, 1),
    )


def test_a_name_that_the_api_never_knows_changes_nothing_in_the_end() -> None:
    """The body was wrong: at the end of the grace time, and not before, the call goes once more."""
    world = World()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives()
    world.wake(job, task_id="task-of-somebody-else")
    world.passes(GRACE - MINUTE)
    assert (world.job(job).state, calls(world)) == (State.UNCONFIRMED, (1, 0))
    world.passes(2 * MINUTE)
    assert (world.job(job).state, calls(world)) == (State.PROCESSING, (2, 1))


def test_the_right_name_is_taken_after_a_wrong_one() -> None:
    """Callbacks are repeated: each is looked at for itself."""
    world, job = unconfirmed()
    world.wake(job, task_id="task-of-somebody-else")
    assert world.wake(job, task_id=TASK).state is State.COMPLETED
    assert calls(world) == (1, 1)


def test_a_task_of_another_call_is_forgotten_as_soon_as_that_shows() -> None:
    """Else the job would ask after it for ever, and never be repeated."""
    world = World()
    other = world.arrives("b.jpg")
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives("a.jpg")
    world.evolink.read_faults.append(NOT_YET)
    world.wake(job, task_id=world.task_of(other))
    world.passes(GRACE + 2 * MINUTE)
    (attempt,) = world.job(job).attempts
    assert (world.job(job).state, attempt.posts) == (State.PROCESSING, 2)


def called_back_too_early(world: World) -> None:
    """The next call's callback comes before its answer, and before the API knows the task."""

    def early(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        evolink.complete(TASK)
        evolink.read_faults.append(NOT_YET)
        (job,) = world.jobs.jobs.values()
        world.wake(job, task_id=TASK)
        world.clock.advance(timedelta(seconds=1))
        return outcome

    world.evolink.create_faults.append(early)


def test_a_callback_before_the_answer_is_remembered_if_the_answer_is_lost() -> None:
    """The worker dies over it: the lease runs out, and then the callback's word is known."""
    hook = Hook()
    world = World(step=hook)
    world.evolink.honours_keys = False
    called_back_too_early(world)
    hook.die_at("evolink.create done")
    with pytest.raises(WorkerDiedError):
        world.arrives()
    (job,) = world.jobs.jobs.values()
    world.passes(TIMING.lease + 3 * MINUTE)
    assert (world.job(job).state, calls(world)) == (State.COMPLETED, (1, 1))


def test_a_callback_before_the_answer_does_not_get_in_the_answers_way() -> None:
    """The answer outweighs the body."""
    world = World()
    called_back_too_early(world)
    job = world.arrives()
    (attempt,) = job.attempts
    assert (job.state, attempt.task_id, attempt.is_adopted) == (State.PROCESSING, TASK, False)
    assert job.due_at == world.clock.now() + TIMING.first_poll


def test_a_callback_of_an_earlier_call_does_not_hurry_the_newest() -> None:
    """A person retried; the first call's task cannot be read: the queue brings it again."""
    world, job = unconfirmed()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    world.evolink.read_rule = lambda: ResponseLostError("ReadTimeout")
    world.wake(job, task_id=None)
    world.passes(2 * GRACE + 2 * MINUTE)
    assert world.job(job).state is State.FAILED
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    world.operate.retry(world.job(job))
    world.settles()
    again = world.job(job)
    assert (again.state, len(again.attempts)) == (State.UNCONFIRMED, 2)
    with pytest.raises(ResponseLostError):
        world.wake(job, task_id=TASK, attempt=1)
    assert world.job(job) == again


def test_a_named_call_is_not_repeated_by_a_message_that_stood_in_the_queue() -> None:
    """It was sent before the callback came, and is delivered after the grace time."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.evolink.read_rule = lambda: ProviderBusyError("the API answers 503", status=503)
    world.wake(job, task_id=world.task_of(job))
    world.clock.advance(2 * GRACE)
    world.submit.advance(world.job(job))
    assert len(world.evolink.posts) == 1


def test_a_name_that_is_wrong_does_not_make_the_right_one_forgotten() -> None:
    """A second callback names a task that the API does not know."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    own = world.task_of(job)
    world.evolink.read_faults.append(ProviderBusyError("the API answers 503", status=503))
    world.wake(job, task_id=own)
    world.clock.advance(11 * MINUTE)
    world.wake(job, task_id="task-of-somebody-else")
    attempt = world.job(job).attempt
    assert attempt is not None
    assert attempt.named_task == own
