"""Workers that die over a picture bought once, and workers that meet over it: one purchase."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.states import State
from tests.support.fakes.world import TIMING
from tests.support.hooks import Hook, WorkerDiedError
from tests.support.reusing import bought, finish, reusing


def test_two_workers_that_ask_at_the_same_moment_buy_one() -> None:
    """The transaction that admits a job decides."""
    hook = Hook()
    world = reusing(hook)
    others: list[Job] = []
    hook.once_at("jobs.save", lambda: others.append(world.arrives("b.jpg")))
    first = world.arrives("a.jpg")
    assert [others[0].state, first.state] == [State.PROCESSING, State.QUEUED]
    finish(world, others[0])
    assert (world.job(first).state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_a_retried_owner_and_a_job_that_waited_for_it_buy_one() -> None:
    """The owner writes the record again when it is admitted, so the job that read it loses."""
    hook = Hook()
    world = reusing(hook)
    first = world.arrives("a.jpg")
    second = world.arrives("b.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    failed = world.wake(first)
    world.submissions.job_ids.clear()

    def retried() -> None:
        world.operate.retry(failed)
        world.submit.advance(world.job(first))

    hook.once_at("jobs.save", retried)
    world.submit.advance(world.job(second))
    states = [world.job(job).state for job in (first, second)]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    assert len(world.evolink.charges) == 2


@pytest.mark.parametrize(
    "step",
    [
        "jobs.save done",
        "kept.put done",
        "purchases.cache done",
        "results.put done",
        "submissions.enqueue",
    ],
)
def test_a_worker_that_dies_at_any_step_costs_no_second_purchase(step: str) -> None:
    """The lease expires, and the step is taken again; the waiting job is completed, too."""
    hook = Hook()
    world = reusing(hook)
    if step == "jobs.save done":
        hook.die_at(step)
        with pytest.raises(WorkerDiedError):
            world.arrives("a.jpg")
        (first,) = world.jobs.jobs.values()
        assert first.state is State.SUBMITTING
        second = world.arrives("b.jpg")
        world.passes(2 * TIMING.lease + TIMING.unconfirmed_grace)
    else:
        first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
        hook.die_at(step)
    world.evolink.complete(world.task_of(first))
    try:
        world.wake(first)
    except WorkerDiedError:
        world.passes(2 * TIMING.lease)
    world.passes(3 * TIMING.poll_interval)
    assert [world.job(job).state for job in (first, second)] == [State.COMPLETED] * 2
    assert len(world.evolink.charges) == 1


def test_a_reused_result_is_brought_home_by_one_of_two_workers() -> None:
    """The wake and Sweep's come at once: the lease is one worker's."""
    hook = Hook()
    world = reusing(hook)
    bought(world)
    job = world.arrives("b.jpg")
    wake = TaskCheck(job_id=job.id, attempt=0)
    hook.once_at("kept.fetch", lambda: world.follow.check(wake))
    world.follow.check(wake)
    assert world.job(job).state is State.COMPLETED
    assert [key for key, _stored in world.results.puts] == ["a.png", "b.png"]
