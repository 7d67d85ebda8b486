"""Crashed and concurrent workers with the same photo pay for it once."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.states import State
from tests.support.deduplicating import deduplicating, finish, paid_photo
from tests.support.fakes.world import TIMING
from tests.support.hooks import Hook, WorkerCrashedError


def test_of_two_concurrent_uploads_of_a_photo_one_is_paid_for() -> None:
    """The transaction that admits a job decides."""
    hook = Hook()
    world = deduplicating(hook)
    others: list[Job] = []
    hook.once_at("jobs.save", lambda: others.append(world.arrives("b.jpg")))
    first = world.arrives("a.jpg")
    assert [others[0].state, first.state] == [State.PROCESSING, State.QUEUED]
    finish(world, others[0])
    assert (world.job(first).state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_a_retried_owner_and_a_job_that_waited_for_it_make_one_call() -> None:
    """The owner writes the record again when it is admitted, so the job that had read it loses."""
    hook = Hook()
    world = deduplicating(hook)
    first = world.arrives("a.jpg")
    second = world.arrives("b.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    failed = world.check_task(first)
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
def test_a_crash_at_any_step_causes_no_second_payment(step: str) -> None:
    """The lease expires and the step is repeated; the waiting job is completed, too."""
    hook = Hook()
    world = deduplicating(hook)
    if step == "jobs.save done":
        hook.crash_at(step)
        with pytest.raises(WorkerCrashedError):
            world.arrives("a.jpg")
        (first,) = world.jobs.jobs.values()
        assert first.state is State.SUBMITTING
        second = world.arrives("b.jpg")
        world.passes(2 * TIMING.lease + TIMING.unconfirmed_grace)
    else:
        first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
        hook.crash_at(step)
    world.evolink.complete(world.task_of(first))
    try:
        world.check_task(first)
    except WorkerCrashedError:
        world.passes(2 * TIMING.lease)
    world.passes(3 * TIMING.poll_interval)
    assert [world.job(job).state for job in (first, second)] == [State.COMPLETED] * 2
    assert len(world.evolink.charges) == 1


def test_a_cached_result_is_stored_by_one_of_two_concurrent_workers() -> None:
    """Two task checks of the job run at once; one of them takes the lease."""
    hook = Hook()
    world = deduplicating(hook)
    paid_photo(world)
    job = world.arrives("b.jpg")
    check = TaskCheck(job_id=job.id, attempt=0)
    hook.once_at("kept.read", lambda: world.track_task.check(check))
    world.track_task.check(check)
    assert world.job(job).state is State.COMPLETED
    assert [key for key, _stored in world.results.puts] == ["a.png", "b.png"]
