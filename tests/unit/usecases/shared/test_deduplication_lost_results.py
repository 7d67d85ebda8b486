"""A cached result that is gone or damaged: the photo is paid for again, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.deduplicating import (
    cached_key,
    deduplicating,
    finish,
    paid_photo,
    settled,
    upload_bypassing_cache,
)
from tests.support.fakes.evolink import LOST
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook, WorkerCrashedError

MINUTE = timedelta(minutes=1)


def damaged(world: World) -> None:
    """Change the cached object by one byte."""
    world.cached_results.objects[cached_key(world)] += b"x"


def deleted(world: World) -> None:
    """Remove the cached object, as a lifecycle rule of the bucket would."""
    world.cached_results.lose(cached_key(world))


@pytest.mark.parametrize("trouble", [damaged, deleted])
def test_a_lost_or_damaged_cached_result_is_paid_for_again(trouble: object) -> None:
    """The SHA-256 of the object is checked; the new result is cached instead."""
    world = deduplicating()
    paid_photo(world)
    trouble(world)  # type: ignore[operator]
    job = settled(world, world.arrives("b.jpg"))
    assert (job.state, job.reused, len(world.evolink.charges)) == (State.PROCESSING, None, 2)
    assert Reason.KEPT_RESULT_LOST in {step.reason for step in job.history}
    finish(world, job)
    assert settled(world, world.arrives("c.jpg")).reused is not None
    assert len(world.evolink.charges) == 2


def test_of_two_jobs_whose_cached_result_is_gone_one_pays() -> None:
    """The other waits for its result."""
    world = deduplicating()
    paid_photo(world)
    jobs = [world.arrives("b.jpg"), world.arrives("c.jpg")]
    deleted(world)
    world.deliver_all()
    world.passes(MINUTE)
    states = [world.job(job).state for job in jobs]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    finish(world, world.job(jobs[states.index(State.PROCESSING)]))
    world.passes(2 * TIMING.poll_interval)
    assert [world.job(job).state for job in jobs] == [State.COMPLETED] * 2
    assert len(world.evolink.charges) == 2


def test_a_retried_job_whose_own_cached_result_is_gone_pays_and_does_not_wait_for_itself() -> None:
    """The result was cached but never stored, and the record names the job as its owner.

    The first retry only looks for the lost result.
    """
    hook = Hook()
    world = deduplicating(hook)
    job = world.arrives()
    hook.crash_at("results.put")
    with pytest.raises(WorkerCrashedError):
        finish(world, job)
    world.downloads.rule = lambda: LOST
    world.passes(TIMING.job_deadline + timedelta(hours=1))
    assert world.job(job).reason is Reason.RESULT_LOST
    deleted(world)
    world.operate.retry(world.job(job))
    world.passes(TIMING.job_deadline + timedelta(hours=1))
    world.operate.retry(world.job(job))
    world.passes(10 * MINUTE)
    assert (world.job(job).state, len(world.evolink.charges)) == (State.PROCESSING, 2)


def test_a_result_that_was_cached_again_meanwhile_is_used() -> None:
    """The job was to use the old result, and finds the one that replaced it."""
    world = deduplicating()
    paid_photo(world, "a.jpg")
    job = world.arrives("b.jpg")
    assert job.state is State.STORING
    world.callbacks.checks.clear()
    finish(world, upload_bypassing_cache(world, "c.jpg"))
    world.passes(30 * MINUTE)
    assert (world.job(job).state, len(world.evolink.charges)) == (State.COMPLETED, 2)


def test_of_two_concurrent_jobs_whose_cached_result_is_gone_one_pays() -> None:
    """Both read the record; the second write of it fails its condition."""
    hook = Hook()
    world = deduplicating(hook)
    paid_photo(world, "a.jpg")
    first, second = world.arrives("b.jpg"), world.arrives("c.jpg")
    world.cached_results.lose(cached_key(world))
    checks, world.callbacks.checks = world.callbacks.checks, []
    hook.once_at("purchases.save", lambda: world.track_task.check(checks[1]))
    world.track_task.check(checks[0])
    world.deliver_all()
    states = [world.job(job).state for job in (first, second)]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    world.passes(MINUTE)
    assert len(world.evolink.charges) == 2
