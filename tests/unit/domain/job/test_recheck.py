"""An operator's retry reads the tasks of accepted attempts before it pays for a new call."""

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
from tests.support.fakes.world import KEY_SALT, TIMING, World, png

MINUTE = timedelta(minutes=1)
BEYOND_THE_DEADLINE = TIMING.job_deadline + timedelta(hours=1)
UNREADABLE = ProviderBusyError("the API answers 401", status=401)


def failed(world: World, job: Job, reason: Reason) -> Job:
    """The job has failed for this reason; the fault is removed."""
    world.downloads.rule = world.evolink.read_rule = lambda: None
    lost = world.job(job)
    assert (lost.state, lost.reason) == (State.FAILED, reason)
    return lost


def lost_on_the_way(world: World) -> Job:
    """A job whose result was paid for, but could not be downloaded before the deadline."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.downloads.rule = lambda: NotSentError("ConnectTimeout")
    world.passes(2 * TIMING.job_deadline, swept_every=10 * MINUTE)
    return failed(world, job, Reason.RESULT_LOST)


def unreadable(world: World) -> Job:
    """A job whose task was completed while the API could not be read until the deadline."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.evolink.read_rule = lambda: UNREADABLE
    world.passes(BEYOND_THE_DEADLINE, swept_every=10 * MINUTE)
    return failed(world, job, Reason.DEADLINE_PASSED)


def unknown_for_a_while(world: World) -> Job:
    """A job whose task was unknown to the API for a quarter of an hour."""
    job = world.arrives()
    task = world.evolink.tasks.pop(world.task_of(job))
    world.passes(20 * MINUTE)
    world.evolink.tasks[task.id] = task
    world.evolink.complete(task.id)
    return failed(world, job, Reason.TASK_LOST)


def named_by_its_callback(world: World) -> Job:
    """A job whose response was lost and whose named task could not be read."""
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.evolink.read_rule = lambda: UNREADABLE
    world.check_task(job, task_id=world.task_of(job))
    world.passes(BEYOND_THE_DEADLINE, swept_every=10 * MINUTE)
    return failed(world, job, Reason.OUTCOME_UNKNOWN)


def lost_by_an_earlier_version(world: World) -> Job:
    """A job whose attempt an earlier version recorded as succeeded."""
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
def test_a_retry_reads_a_known_task_before_it_pays_for_another(
    given_up: Callable[[World], Job],
    is_one_of_many: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The provider still has the result: that takes no slot and no credits."""
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


@pytest.mark.parametrize("given_up", [one for one in GIVEN_UP if one is not named_by_its_callback])
def test_a_retry_without_the_cache_makes_a_call_at_once(given_up: Callable[[World], Job]) -> None:
    """`retry --fresh`; only a task that a callback named and nobody could read is read first."""
    world = World()
    job = given_up(world)
    world.operate.retry(job, bypass_cache=True)
    world.deliver_all()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


def fails(world: World, task_id: str) -> None:
    """Let the task end without a result and return its credits."""
    world.evolink.fail(task_id, "content_policy_violation")


def is_gone(world: World, task_id: str) -> None:
    """Let the provider drop the task."""
    world.evolink.tasks["forgotten"] = world.evolink.tasks.pop(task_id)


@pytest.mark.parametrize("answer", [fails, is_gone])
@pytest.mark.parametrize("given_up", GIVEN_UP)
def test_a_new_call_is_made_once_no_result_can_come(
    given_up: Callable[[World], Job], answer: Callable[[World, str], None]
) -> None:
    """In the lane and with the transport of the retry."""
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
    assert list(world.files.copies) == [f"cutout-{job.id}-2-{KEY_SALT}.png"]
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED


def test_a_result_that_cannot_be_fetched_is_asked_for_once() -> None:
    """The provider reports it completed, but its link fails: the next retry makes a call."""
    world = World()
    job = lost_on_the_way(world)
    world.downloads.rule = lambda: LOST
    world.operate.retry(job)
    world.passes(2 * TIMING.job_deadline, swept_every=10 * MINUTE)
    assert world.job(job).reason is Reason.RESULT_LOST
    world.operate.retry(world.job(job))
    world.deliver_all()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


@pytest.mark.parametrize("given_up", GIVEN_UP)
def test_nothing_is_paid_while_the_api_cannot_be_read(given_up: Callable[[World], Job]) -> None:
    """The job ends at the deadline, and another retry reads the task again."""
    world = World()
    job = given_up(world)
    for _ in range(2):
        world.evolink.read_rule = lambda: UNREADABLE
        world.operate.retry(world.job(job))
        world.passes(BEYOND_THE_DEADLINE, swept_every=10 * MINUTE)
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


def test_a_task_that_never_ends_is_read_by_one_retry() -> None:
    """The API reports it running: the next retry makes a call."""
    world = World()
    job = world.arrives()
    for _ in range(2):
        world.passes(BEYOND_THE_DEADLINE, swept_every=10 * MINUTE)
        lost = world.job(job)
        assert (lost.reason, len(world.evolink.posts)) == (Reason.DEADLINE_PASSED, 1)
        world.operate.retry(lost)
    world.deliver_all()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


def twice_given_up(world: World) -> Job:
    """A job that failed with two known tasks."""
    job = unreadable(world)
    world.evolink.tasks[world.task_of(job)] = replace(
        world.evolink.tasks[world.task_of(job)], status=TaskStatus.RUNNING
    )
    world.operate.retry(job, bypass_cache=True)
    world.deliver_all()
    world.passes(BEYOND_THE_DEADLINE, swept_every=10 * MINUTE)
    lost = world.job(job)
    assert (lost.state, len(world.evolink.charges)) == (State.FAILED, 2)
    return lost


@pytest.mark.parametrize("number", [1, 2])
def test_a_retry_reads_the_task_of_every_accepted_attempt(number: int) -> None:
    """The newest first; if it failed, the next one."""
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


def test_a_callback_of_another_attempt_does_not_end_the_recheck() -> None:
    """The older task's failure comes while the newer one is read, which still runs."""
    world = World()
    job = twice_given_up(world)
    first, second = (charge.task_id for charge in world.evolink.charges)
    world.operate.retry(job)
    world.passes(MINUTE)
    world.evolink.fail(first, "content_policy_violation")
    world.clock.advance_to(world.job(job).due_at or world.clock.now())
    assert world.check_task(job, attempt=1, task_id=first).state is State.STORING
    world.evolink.complete(second)
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt, len(world.evolink.charges)) == (
        State.COMPLETED,
        2,
        2,
    )


def test_a_running_task_of_another_attempt_does_not_end_the_recheck_either() -> None:
    """The task that is rechecked was not readable meanwhile, so the next retry reads it again."""
    world = World()
    job = twice_given_up(world)
    first, second = (charge.task_id for charge in world.evolink.charges)
    world.operate.retry(job)
    world.check_task(job, attempt=1, task_id=first)
    world.evolink.read_rule = lambda: UNREADABLE
    world.passes(BEYOND_THE_DEADLINE, swept_every=10 * MINUTE)
    world.evolink.complete(second)
    world.operate.retry(failed(world, job, Reason.DEADLINE_PASSED))
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt, len(world.evolink.charges)) == (
        State.COMPLETED,
        2,
        2,
    )


def test_a_job_whose_recheck_found_no_result_is_due_at_once() -> None:
    """If its message is lost, Sweep sends it on, whatever waits at the gate."""
    world = World()
    job = unreadable(world)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    world.operate.retry(job)
    after = world.check_task(job)
    assert (after.state, after.is_due(world.clock.now())) == (State.QUEUED, True)
    world.submissions.job_ids.clear()
    world.passes(MINUTE)
    assert world.job(job).state is State.PROCESSING


def reviewed_after_another_attempt(world: World) -> tuple[Job, str]:
    """A job in review whose operator had paid for a second attempt; with its first task."""
    job = unreadable(world)
    first = world.task_of(job)
    world.operate.retry(job, bypass_cache=True)
    world.deliver_all()
    world.evolink.complete(world.task_of(job), b"png 600 400 255 255")
    assert world.check_task(job).state is State.REVIEW
    return job, first


def test_a_retry_of_a_job_in_review_reads_the_tasks_of_other_attempts() -> None:
    """The result in review is known; the earlier call may have a good one."""
    world = World()
    job, first = reviewed_after_another_attempt(world)
    world.operate.retry(world.job(job))
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt) == (State.COMPLETED, 1)
    assert world.results.objects["a.png"].labels.metadata["cutout-task"] == first


def test_a_retry_stores_a_result_that_came_while_the_job_was_in_review() -> None:
    """It is recorded when its callback comes."""
    world = World()
    job, first = reviewed_after_another_attempt(world)
    assert world.check_task(job, attempt=1, task_id=first).credits == 2 * PRICE
    world.operate.retry(world.job(job))
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt, len(world.evolink.charges)) == (State.COMPLETED, 1, 2)


def test_a_named_task_of_another_call_ends_the_recheck_with_a_new_call() -> None:
    """The callback named the task of another photo."""
    world = World()
    other = world.arrives("b.jpg", png(salt=2))
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.evolink.read_rule = lambda: UNREADABLE
    world.check_task(job, task_id=world.task_of(other))
    world.passes(BEYOND_THE_DEADLINE, swept_every=10 * MINUTE)
    world.evolink.read_rule = lambda: None
    world.evolink.complete(world.task_of(other))
    assert world.job(job).state is State.FAILED
    world.operate.retry(world.job(job))
    world.passes(2 * MINUTE)
    after = world.job(job)
    assert (after.state, [a.number for a in after.attempts]) == (State.PROCESSING, [1, 2])
    assert after.attempts[0].task_id is None


def test_the_refund_of_a_failed_task_is_counted_once() -> None:
    """Reading the task settles the cost of its attempt."""
    world = World()
    job = unreadable(world)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    world.operate.retry(job)
    world.passes(3 * MINUTE)
    after = world.job(job)
    assert (after.attempts[0].credits_used, after.credits) == (Decimal(0), PRICE)
    assert sum(world.jobs.shards[0].spent.values()) == PRICE
