"""A task makes one call's picture, whatever the body of a callback says."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import Job
from cutout.domain.metrics import Metric
from cutout.domain.provider import Accepted, CreateOutcome
from cutout.domain.states import AttemptOutcome, Reason, State
from cutout.ports.jobs_table import TaskClaim
from tests.support.fakes.evolink import PRICE, FakeEvolink, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World


def unconfirmed(world: World, key: str = "a.jpg") -> Job:
    """A photo whose call was taken, but nobody knows it."""
    world.evolink.create_faults.append(taken_but_unanswered)
    return world.arrives(key)


def named(world: World) -> float:
    """How often somebody named another's task."""
    return world.telemetry.counts.get(Metric.TASK_TAKEN, 0)


def the_task(world: World, number: int) -> str:
    """The task of the provider's n-th charge."""
    return world.evolink.charges[number - 1].task_id


@pytest.mark.parametrize("end", ["running", "completed", "failed"])
def test_an_unconfirmed_call_does_not_adopt_another_photos_task(end: str) -> None:
    """Its callback's URL is authentic and the API knows the task: still the wrong picture."""
    world = World()
    other, job = world.arrives("b.jpg"), unconfirmed(world)
    task_id = world.task_of(other)
    if end == "completed":
        world.evolink.complete(task_id)
    if end == "failed":
        world.evolink.fail(task_id, "service_error")
    assert world.wake(job, task_id=task_id) == job
    assert (named(world), world.results.puts) == (1, [])
    own = world.task_of(job)
    world.evolink.complete(own)
    assert world.wake(job, task_id=own).state is State.COMPLETED


def test_an_adopted_task_is_claimed_too() -> None:
    """A third photo's callback cannot name it either."""
    world = World()
    first, second = unconfirmed(world, "a.jpg"), unconfirmed(world, "b.jpg")
    task_id = the_task(world, 1)
    assert world.wake(first, task_id=task_id).state is State.PROCESSING
    assert world.wake(second, task_id=task_id) == second


def test_a_task_of_an_earlier_attempt_is_not_a_later_ones() -> None:
    """The first attempt failed; its callback's body comes to the second one's URL."""
    world = World()
    job = world.arrives()
    first = world.task_of(job)
    world.evolink.fail(first, "service_error")
    world.wake(job)
    world.evolink.create_faults.append(taken_but_unanswered)
    world.passes(3 * TIMING.lease)
    job = world.job(job)
    assert (job.state, len(job.attempts)) == (State.UNCONFIRMED, 2)
    assert world.wake(job, task_id=first) == job


def test_claims_outlive_the_rows_that_can_name_them() -> None:
    """Processing and storing end within a deadline each; then the row is retained."""
    world = World()
    job = world.arrives()
    assert world.jobs.tasks == {
        world.task_of(job): TaskClaim(
            task_id=world.task_of(job),
            job_id=job.id,
            attempt=1,
            is_certain=True,
            expires_at=world.clock.now() + TIMING.retention + 2 * TIMING.job_deadline,
        ),
    }


def answered_late(world: World, *, while_open: Job) -> Job:
    """A photo whose task another photo's callback names before the call is answered."""

    def slow(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        adopted = world.wake(while_open, task_id=the_task(world, len(evolink.charges)))
        assert adopted.state is State.PROCESSING
        return outcome

    world.evolink.create_faults.append(slow)
    return world.arrives("late.jpg")


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_call_that_is_answered_takes_its_task_back(end: str) -> None:
    """The answer outweighs the body; who had adopted the task gives it back, unpaid for nothing."""
    world = World()
    wrong = unconfirmed(world)
    job = answered_late(world, while_open=wrong)
    task_id = world.task_of(job)
    assert (job.state, job.attempts[0].task_id) == (State.PROCESSING, task_id)
    if end == "completed":
        world.evolink.complete(task_id)
    else:
        world.evolink.fail(task_id, "service_error")
    lost = world.wake(wrong)
    assert (lost.state, lost.reason, lost.credits) == (
        State.FAILED,
        Reason.OUTCOME_UNKNOWN,
        PRICE,
    )
    assert [(a.task_id, a.outcome) for a in lost.attempts] == [(None, AttemptOutcome.UNKNOWN)]
    assert named(world) == 1
    own = the_task(world, 1)
    world.evolink.complete(own)
    assert world.wake(wrong, task_id=own).state is State.COMPLETED
    assert world.results.objects["a.png"].data.endswith(own.encode())


def test_two_calls_that_are_answered_with_one_task_are_not_both_believed() -> None:
    """A provider that mixes calls up: the second waits for its callback."""
    world = World()
    first = world.arrives("a.jpg")
    accepted = Accepted(task_id=world.task_of(first), credits_reserved=PRICE)
    world.evolink.create_faults.append(answering(accepted))
    job = world.arrives("b.jpg")
    assert (job.state, job.attempts[0].task_id) == (State.UNCONFIRMED, None)
    assert named(world) == 1


def test_a_call_whose_answer_contradicts_its_callback_is_counted() -> None:
    """The callback came first and named another task: a person should know."""
    world = World()
    stray = the_task_of_nobody(world)

    def called_back(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        (job,) = (j for j in world.jobs.jobs.values() if j.source.key == "a.jpg")
        world.wake(job, task_id=stray)
        return outcome

    world.evolink.create_faults.append(called_back)
    job = world.arrives("a.jpg")
    assert job.attempts[0].task_id == stray
    assert named(world) == 1


def the_task_of_nobody(world: World) -> str:
    """A task that the API knows and no row does."""
    body = '{"image_urls": ["x"], "callback_url": "y"}'
    outcome = world.evolink.take(body, "stray-0-1")
    assert isinstance(outcome, Accepted)
    return outcome.task_id


def swapped(world: World) -> tuple[Job, Job]:
    """The callback of a second call, whose task fails at once, names that task at a first's URL."""
    wrong = unconfirmed(world, "wrong.jpg")

    def slow(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        task_id = the_task(world, len(evolink.charges))
        evolink.fail(task_id, "service_error")
        assert world.wake(wrong, task_id=task_id).state is State.QUEUED
        return outcome

    world.evolink.create_faults.append(slow)
    return wrong, world.arrives("late.jpg")


def test_a_failure_that_proves_another_calls_is_no_reason_to_pay_again() -> None:
    """The first call was taken and may be charged: its job ends, and its callback is waited for."""
    world = World()
    wrong, _late = swapped(world)
    world.passes(3 * TIMING.lease)
    lost = world.job(wrong)
    assert (lost.state, lost.reason) == (State.FAILED, Reason.OUTCOME_UNKNOWN)
    assert [(a.task_id, a.outcome) for a in lost.attempts] == [(None, AttemptOutcome.UNKNOWN)]
    assert [c.key for c in world.evolink.charges if wrong.id in c.key] == [
        wrong.attempts[0].idempotency_key
    ]
    assert world.jobs.read_gate().in_flight == world.holding()
    own = the_task(world, 1)
    world.evolink.complete(own)
    assert world.wake(wrong, task_id=own).state is State.COMPLETED


def test_a_failure_that_only_a_callback_named_is_tried_again_after_a_lease() -> None:
    """Nobody else's call was answered with that task by then: it is the job's own."""
    world = World()
    job = unconfirmed(world)
    world.evolink.fail(the_task(world, 1), "service_error")
    queued = world.wake(job, task_id=the_task(world, 1))
    assert (queued.state, queued.due_at) == (State.QUEUED, world.clock.now() + TIMING.lease)
    world.passes(2 * TIMING.lease)
    assert (world.job(job).state, len(world.evolink.charges)) == (State.PROCESSING, 2)


def test_a_task_that_is_lost_after_the_next_call_does_not_stop_that_call() -> None:
    """A claim is made when a task becomes known, and not again by the moves of later attempts."""
    world = World()
    job = unconfirmed(world)
    first = the_task(world, 1)
    world.evolink.fail(first, "service_error")
    world.wake(job, task_id=first)
    taken = Accepted(task_id=first, credits_reserved=PRICE)

    def overtaken(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        evolink.create_faults.append(answering(taken))
        world.arrives("b.jpg")
        return outcome

    world.clock.advance(TIMING.lease)
    world.evolink.create_faults.append(overtaken)
    world.submit.advance(world.job(job))
    after = world.job(job)
    assert world.jobs.tasks[first].job_id != job.id
    assert (after.state, after.attempts[1].task_id) == (State.PROCESSING, the_task(world, 2))
