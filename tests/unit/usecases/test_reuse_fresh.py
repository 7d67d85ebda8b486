"""A picture bought anew on a person's word, beside what is kept of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.job import Job
from cutout.keys import FRESH_MARK
from cutout.states import Reason, State
from tests.fakes.world import MODEL
from tests.unit.usecases.hooks import Hook
from tests.unit.usecases.reusing import arrives_fresh, bought, finish, kept_at, reusing, settled

MINUTE = timedelta(minutes=1)


def test_fresh_uploads_are_bought_anew_and_kept_instead() -> None:
    """On the person's word, by the metadata; it is not carried to the result."""
    world = reusing()
    bought(world)
    job = arrives_fresh(world)
    assert (job.state, job.is_fresh) == (State.PROCESSING, True)
    finish(world, job)
    assert FRESH_MARK not in world.results.objects["b.png"].labels.metadata
    third = settled(world, world.arrives("c.jpg"))
    assert third.reused is not None
    assert third.reused.job_id == job.id
    assert len(world.evolink.charges) == 2


def test_while_a_picture_is_bought_anew_the_old_result_serves_others() -> None:
    """Nobody waits for what is there."""
    world = reusing()
    first = bought(world)
    arrives_fresh(world)
    job = settled(world, world.arrives("c.jpg"))
    assert job.reused is not None
    assert job.reused.job_id == first.id


def test_an_older_purchase_does_not_replace_a_fresh_one() -> None:
    """Whichever comes home first: what was bought anew is what is kept."""
    world = reusing()
    old = world.arrives("a.jpg")
    fresh = arrives_fresh(world)
    finish(world, fresh)
    finish(world, old)
    purchase = world.bought.items[f"{fresh.photo.sha256}#{MODEL}"]  # type: ignore[union-attr]
    assert purchase.kept is not None
    assert purchase.kept.job_id == fresh.id
    assert world.kept.objects[kept_at(world)].endswith(world.task_of(fresh).encode())


def test_an_old_result_is_not_written_over_a_fresh_one_that_comes_between() -> None:
    """The older buyer looked at the item, then the fresh one came home, then the older writes."""
    hook = Hook()
    world = reusing(hook)
    old = world.arrives("a.jpg")

    def bought_anew() -> None:
        fresh = arrives_fresh(world)
        world.evolink.complete(world.task_of(fresh))
        world.wake(fresh)

    hook.once_at("kept.put", bought_anew)
    finish(world, old)
    assert world.kept.objects[kept_at(world)].endswith(b"000002")
    assert settled(world, world.arrives("c.jpg")).state is State.COMPLETED
    assert len(world.evolink.charges) == 2


def test_who_meets_a_result_that_is_just_being_replaced_does_not_buy() -> None:
    """The object is new and the item still tells of the old one: looked at again, shortly."""
    hook = Hook()
    world = reusing(hook)
    bought(world)
    fresh = arrives_fresh(world)
    others: list[Job] = []

    def comes_between() -> None:
        others.append(settled(world, world.arrives("c.jpg")))

    hook.once_at("kept.put done", comes_between)
    finish(world, fresh)
    assert (others[0].state, others[0].reason) == (State.QUEUED, Reason.BACKING_OFF)
    world.passes(2 * MINUTE)
    assert world.job(others[0]).state is State.COMPLETED
    assert len(world.evolink.charges) == 2


@pytest.mark.parametrize(("is_fresh", "charges"), [(False, 2), (True, 3)])
def test_a_persons_retry_is_free_if_the_picture_was_bought_meanwhile(
    *,
    is_fresh: bool,
    charges: int,
) -> None:
    """Unless it is to be fresh."""
    world = reusing()
    first = world.arrives("a.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    failed = world.wake(first)
    bought(world, "b.jpg")
    world.operate.retry(failed, is_fresh=is_fresh)
    world.settles()
    again = world.job(first)
    assert again.state is (State.PROCESSING if is_fresh else State.COMPLETED)
    assert len(world.evolink.charges) == charges
