"""A kept result that is gone or is not what was kept: the picture is bought again, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.evolink import LOST
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook, WorkerDiedError
from tests.support.reusing import arrives_fresh, bought, finish, kept_at, reusing, settled

MINUTE = timedelta(minutes=1)


def damaged(world: World) -> None:
    """One byte differs."""
    world.kept.objects[kept_at(world)] += b"x"


def deleted(world: World) -> None:
    """Its lifecycle was shorter than our memory."""
    world.kept.lose(kept_at(world))


@pytest.mark.parametrize("trouble", [damaged, deleted])
def test_a_kept_result_that_is_not_what_was_kept_is_bought_again(trouble: object) -> None:
    """Its SHA-256 tells; from then on the new one is kept."""
    world = reusing()
    bought(world)
    trouble(world)  # type: ignore[operator]
    job = settled(world, world.arrives("b.jpg"))
    assert (job.state, job.reused, len(world.evolink.charges)) == (State.PROCESSING, None, 2)
    assert Reason.KEPT_RESULT_LOST in {step.reason for step in job.history}
    finish(world, job)
    assert settled(world, world.arrives("c.jpg")).reused is not None
    assert len(world.evolink.charges) == 2


def test_of_two_that_find_the_kept_result_gone_one_buys() -> None:
    """The other waits for it."""
    world = reusing()
    bought(world)
    jobs = [world.arrives("b.jpg"), world.arrives("c.jpg")]
    deleted(world)
    world.settles()
    world.passes(MINUTE)
    states = [world.job(job).state for job in jobs]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    finish(world, world.job(jobs[states.index(State.PROCESSING)]))
    world.passes(2 * TIMING.poll_interval)
    assert [world.job(job).state for job in jobs] == [State.COMPLETED] * 2
    assert len(world.evolink.charges) == 2


def test_a_retried_photo_whose_own_kept_result_is_gone_buys_and_does_not_wait_for_itself() -> None:
    """It was kept, but never came home; the picture's item still names the job as its buyer.

    The first retry only looks for the result that was lost.
    """
    hook = Hook()
    world = reusing(hook)
    job = world.arrives()
    hook.die_at("results.put")
    with pytest.raises(WorkerDiedError):
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


def test_a_result_that_was_kept_again_meanwhile_is_not_deleted() -> None:
    """A job that was to use the old one finds another job's purchase, and uses that."""
    world = reusing()
    bought(world, "a.jpg")
    job = world.arrives("b.jpg")
    assert job.state is State.STORING
    world.callbacks.wakes.clear()
    finish(world, arrives_fresh(world, "c.jpg"))
    world.passes(30 * MINUTE)
    assert (world.job(job).state, len(world.evolink.charges)) == (State.COMPLETED, 2)


def test_of_two_that_find_the_kept_result_gone_in_the_same_moment_one_buys() -> None:
    """Both read the record; the second write of it is refused."""
    hook = Hook()
    world = reusing(hook)
    bought(world, "a.jpg")
    first, second = world.arrives("b.jpg"), world.arrives("c.jpg")
    world.kept.lose(kept_at(world))
    wakes, world.callbacks.wakes = world.callbacks.wakes, []
    hook.once_at("purchases.save", lambda: world.follow.check(wakes[1]))
    world.follow.check(wakes[0])
    world.settles()
    states = [world.job(job).state for job in (first, second)]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    world.passes(MINUTE)
    assert len(world.evolink.charges) == 2
