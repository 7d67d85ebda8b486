"""A person's retry never pays for what may still be had free: accepted attempts are asked first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.errors import NotSentError, ProviderBusyError
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import TaskStatus
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Lane, State, Transport
from tests.support.fakes.evolink import LOST, PRICE, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, png

MINUTE = timedelta(minutes=1)
BEYOND_THE_DEADLINE = TIMING.job_deadline + timedelta(hours=1)
UNREADABLE = ProviderBusyError("the API answers 401", status=401)


def failed(world: World, job: Job, reason: Reason) -> Job:
    """The job has failed for this reason; what was out of order works again."""
    world.downloads.rule = world.evolink.read_rule = lambda: None
    lost = world.job(job)
    assert (lost.state, lost.reason) == (State.FAILED, reason)
    return lost


def lost_on_the_way(world: World) -> Job:
    """Its result was paid for, but no link could be fetched: our network had no way out."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.downloads.rule = lambda: NotSentError("ConnectTimeout")
    world.passes(2 * TIMING.job_deadline)
    return failed(world, job, Reason.RESULT_LOST)


def unreadable(world: World) -> Job:
    """The API could not be read for six hours; the task was done in the meantime."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.evolink.read_rule = lambda: UNREADABLE
    world.passes(BEYOND_THE_DEADLINE)
    return failed(world, job, Reason.DEADLINE_PASSED)


def unknown_for_a_while(world: World) -> Job:
    """The API did not know the task for a quarter of an hour."""
    job = world.arrives()
    task = world.evolink.tasks.pop(world.task_of(job))
    world.passes(20 * MINUTE)
    world.evolink.tasks[task.id] = task
    world.evolink.complete(task.id)
    return failed(world, job, Reason.TASK_LOST)


def named_by_its_callback(world: World) -> Job:
    """The answer to the call was lost, and the task that its callback named could not be read."""
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.evolink.read_rule = lambda: UNREADABLE
    world.wake(job, task_id=world.task_of(job))
    world.passes(BEYOND_THE_DEADLINE)
    return failed(world, job, Reason.OUTCOME_UNKNOWN)


def lost_by_an_earlier_version(world: World) -> Job:
    """Its row takes the attempt for one that brought its result home."""
    job = lost_on_the_way(world)
    attempts = tuple(replace(a, outcome=AttemptOutcome.SUCCEEDED) for a in job.attempts)
    world.jobs.jobs[job.id] = replace(job, attempts=attempts)
    return world.job(job)


GIVEN_UP = [
    lost_on_the_way,
    lost_by_an_earlier_version,
    unreadable,
    unknown_for_a_while,
    named_by_its_callback,
]


@pytest.mark.parametrize("is_one_of_many", [True, False])
@pytest.mark.parametrize("given_up", GIVEN_UP)
def test_a_task_that_is_known_is_asked_before_another_is_paid(
    given_up: Callable[[World], Job],
    is_one_of_many: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The cause is fixed, and the provider still has it: that takes no slot and no credits."""
    world = World()
    job = given_up(world)
    world.operate.pause()
    again = world.operate.retry(job, is_one_of_many=is_one_of_many)
    assert (again.state, again.reason, again.due_at, again.is_waiting) == (
        State.STORING,
        Reason.RETRIED_BY_PERSON,
        world.clock.now(),
        False,
    )
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.credits, len(world.evolink.posts)) == (State.COMPLETED, PRICE, 1)
    assert (list(world.results.objects), done.is_announced) == (["a.png"], True)


@pytest.mark.parametrize("given_up", GIVEN_UP)
def test_a_request_to_buy_again_is_met_at_once(given_up: Callable[[World], Job]) -> None:
    """`retry --fresh`."""
    world = World()
    job = given_up(world)
    world.operate.retry(job, bypass_cache=True)
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


def fails(world: World, task_id: str) -> None:
    """The task ended without a result, and gave back what was reserved."""
    world.evolink.fail(task_id, "content_policy_violation")


def is_gone(world: World, task_id: str) -> None:
    """Days later nobody knows the task any more."""
    world.evolink.tasks["forgotten"] = world.evolink.tasks.pop(task_id)


@pytest.mark.parametrize("answer", [fails, is_gone])
@pytest.mark.parametrize("given_up", GIVEN_UP)
def test_once_it_is_certain_that_no_result_comes_a_new_call_is_paid(
    given_up: Callable[[World], Job], answer: Callable[[World, str], None]
) -> None:
    """In the place in line, and handed over, as the person who retried it said."""
    world = World()
    job = given_up(world)
    answer(world, world.evolink.charges[0].task_id)
    world.operate.retry(job, transport=Transport.FILES, is_one_of_many=True)
    world.passes(15 * MINUTE)
    again = world.job(job)
    assert (again.state, again.lane, len(world.evolink.charges)) == (
        State.PROCESSING,
        Lane.BACKFILL,
        2,
    )
    assert list(world.files.copies) == [f"{job.id}-2.png"]
    world.evolink.complete(world.task_of(job))
    assert world.wake(job).state is State.COMPLETED


def test_a_result_that_is_not_to_be_had_is_asked_for_once() -> None:
    """The provider goes on to say that it is there, and its link is dead: then a retry pays."""
    world = World()
    job = lost_on_the_way(world)
    world.downloads.rule = lambda: LOST
    world.operate.retry(job)
    world.passes(2 * TIMING.job_deadline)
    assert world.job(job).reason is Reason.RESULT_LOST
    world.operate.retry(world.job(job))
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


@pytest.mark.parametrize("given_up", GIVEN_UP)
def test_as_long_as_the_api_cannot_say_nothing_is_paid(given_up: Callable[[World], Job]) -> None:
    """It ends at the deadline, and another retry asks once more."""
    world = World()
    job = given_up(world)
    for _ in range(2):
        world.evolink.read_rule = lambda: UNREADABLE
        world.operate.retry(world.job(job))
        world.passes(BEYOND_THE_DEADLINE)
        lost = world.job(job)
        assert (lost.state, lost.reason, len(world.evolink.posts)) == (
            State.FAILED,
            Reason.DEADLINE_PASSED,
            1,
        )
    world.evolink.read_rule = lambda: None
    world.operate.retry(world.job(job))
    world.passes(MINUTE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.COMPLETED, 1)


def test_a_task_that_runs_for_ever_is_asked_for_by_one_retry() -> None:
    """The API answers each time that it runs: the retry after that pays."""
    world = World()
    job = world.arrives()
    for _ in range(2):
        world.passes(BEYOND_THE_DEADLINE)
        lost = world.job(job)
        assert (lost.reason, len(world.evolink.posts)) == (Reason.DEADLINE_PASSED, 1)
        world.operate.retry(lost)
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


def twice_given_up(world: World) -> Job:
    """Two tasks of it are known, and it was given up with both."""
    job = unreadable(world)
    world.evolink.tasks[world.task_of(job)] = replace(
        world.evolink.tasks[world.task_of(job)], status=TaskStatus.RUNNING
    )
    world.operate.retry(job, bypass_cache=True)
    world.settles()
    world.passes(BEYOND_THE_DEADLINE)
    lost = world.job(job)
    assert (lost.state, len(world.evolink.charges)) == (State.FAILED, 2)
    return lost


@pytest.mark.parametrize("number", [1, 2])
def test_every_accepted_attempt_is_asked(number: int) -> None:
    """The newest first; one that failed hands on to the next."""
    world = World()
    job = twice_given_up(world)
    for charge in world.evolink.charges:
        world.evolink.fail(charge.task_id, "content_policy_violation")
    world.evolink.complete(world.evolink.charges[number - 1].task_id)
    world.operate.retry(job)
    world.passes(3 * MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt, len(world.evolink.charges)) == (
        State.COMPLETED,
        number,
        2,
    )


def test_the_callback_of_another_attempt_does_not_stop_the_asking() -> None:
    """The older one's failure comes while the newer one is asked, which still runs."""
    world = World()
    job = twice_given_up(world)
    first, second = (charge.task_id for charge in world.evolink.charges)
    world.operate.retry(job)
    world.passes(MINUTE)
    world.evolink.fail(first, "content_policy_violation")
    world.clock.advance_to(world.job(job).due_at or world.clock.now())
    assert world.wake(job, attempt=1, task_id=first).state is State.STORING
    world.evolink.complete(second)
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt, len(world.evolink.charges)) == (
        State.COMPLETED,
        2,
        2,
    )


def reviewed_after_another_attempt(world: World) -> tuple[Job, str]:
    """A person bought it again, and that result is under review; with its first task."""
    job = unreadable(world)
    first = world.task_of(job)
    world.operate.retry(job, bypass_cache=True)
    world.settles()
    world.evolink.complete(world.task_of(job), b"png 600 400 255 255")
    assert world.wake(job).state is State.REVIEW
    return job, first


def test_a_reviewed_photo_asks_for_what_another_attempt_of_it_brings() -> None:
    """Its own result is what the person saw; the call before it may have brought a good one."""
    world = World()
    job, first = reviewed_after_another_attempt(world)
    world.operate.retry(world.job(job))
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt) == (State.COMPLETED, 1)
    assert world.results.objects["a.png"].labels.metadata["cutout-task"] == first


def test_what_another_attempt_of_a_reviewed_photo_brought_is_asked_for() -> None:
    """Its result came while the photo was under review: it is noted, and a retry stores it."""
    world = World()
    job, first = reviewed_after_another_attempt(world)
    assert world.wake(job, attempt=1, task_id=first).credits == 2 * PRICE
    world.operate.retry(world.job(job))
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt, len(world.evolink.charges)) == (State.COMPLETED, 1, 2)


def test_a_named_task_that_belongs_to_another_call_hands_on() -> None:
    """The body named a task that is another photo's: the asking ends, and a new call is made."""
    world = World()
    other = world.arrives("b.jpg", png(salt=2))
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.evolink.read_rule = lambda: UNREADABLE
    world.wake(job, task_id=world.task_of(other))
    world.passes(BEYOND_THE_DEADLINE)
    world.evolink.read_rule = lambda: None
    world.evolink.complete(world.task_of(other))
    assert world.job(job).state is State.FAILED
    world.operate.retry(world.job(job))
    world.passes(2 * MINUTE)
    after = world.job(job)
    assert (after.state, [a.number for a in after.attempts]) == (State.PROCESSING, [1, 2])
    assert after.attempts[0].task_id is None


def test_what_a_failed_task_gives_back_is_counted_once() -> None:
    """Asking for it settles what its attempt cost."""
    world = World()
    job = unreadable(world)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    world.operate.retry(job)
    world.passes(3 * MINUTE)
    after = world.job(job)
    assert (after.attempts[0].credits_used, after.credits) == (Decimal(0), PRICE)
    assert sum(world.jobs.shards[0].spent.values()) == PRICE
