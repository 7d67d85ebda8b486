"""Who waits while another buys the same picture: woken, or taking over from a buyer that ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State
from tests.support.fakes.evolink import CUT_OUT, answering
from tests.support.fakes.world import TIMING, World, png
from tests.support.reusing import finish, reusing

MINUTE = timedelta(minutes=1)


def test_of_two_at_once_one_buys_and_the_other_waits_and_is_woken() -> None:
    """It stands neither at the gate nor behind it."""
    world = reusing()
    first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
    assert (second.state, second.reason, second.is_waiting) == (
        State.QUEUED,
        Reason.SAME_PICTURE,
        False,
    )
    assert world.jobs.read_gate().in_flight == 1
    finish(world, first)
    assert world.job(second).state is State.COMPLETED
    assert (len(world.evolink.charges), sorted(world.results.objects)) == (1, ["a.png", "b.png"])


def test_a_wake_that_was_lost_is_made_up_for_by_its_due_time() -> None:
    """A waiting job looks again by itself, ever less often."""
    world = reusing()
    first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
    assert second.due_at == world.clock.now() + TIMING.poll_interval
    world.evolink.complete(world.task_of(first))
    world.wake(first)
    world.submissions.job_ids.clear()
    world.passes(TIMING.poll_interval + MINUTE)
    assert world.job(second).state is State.COMPLETED


def test_who_waits_long_looks_once_an_hour() -> None:
    """Less and less often, up to then: a task that runs for long costs little."""
    timing = replace(TIMING, job_deadline=timedelta(hours=40))
    world = World(reuse=True, timing=timing)
    first = world.arrives("a.jpg")
    second = world.arrives("b.jpg")
    world.passes(timedelta(hours=30))
    assert world.job(first).state is State.PROCESSING
    looks = len([job for job in world.jobs.writes if job.id == second.id])
    assert 30 < looks < 40
    assert world.job(second).reason is Reason.SAME_PICTURE


ENDS = {
    "task failed": lambda world, job: world.evolink.fail(
        world.task_of(job), "content_policy_violation"
    ),
    "kept for review": lambda world, job: world.evolink.complete(
        world.task_of(job), b"png 600 400 0 0"
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_if_the_buyer_ends_without_a_result_who_waits_takes_over(end: str) -> None:
    """One of them buys, the others go on waiting; a result that needs review is not reused."""
    world = reusing()
    first = world.arrives("a.jpg")
    others = [world.arrives("b.jpg"), world.arrives("c.jpg")]
    ENDS[end](world, first)
    world.wake(first)
    world.settles()
    assert world.job(first).state in {State.FAILED, State.REVIEW}
    states = [world.job(job).state for job in others]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    owner = world.job(others[states.index(State.PROCESSING)])
    finish(world, owner)
    assert [world.job(job).state for job in others] == [State.COMPLETED, State.COMPLETED]
    assert len(world.evolink.charges) == 2


def test_a_buyer_whose_row_is_gone_is_not_waited_for() -> None:
    """Its row expired."""
    world = reusing()
    first = world.arrives("a.jpg")
    del world.jobs.jobs[first.id]
    assert world.arrives("b.jpg").state is State.PROCESSING


def test_what_an_outdated_photo_paid_for_completes_the_newer_one() -> None:
    """The same bytes again under the same key while the first are with the provider."""
    world = reusing()
    first = world.arrives("a.jpg")
    second = world.arrives("a.jpg")
    finish(world, first)
    assert (world.job(first).state, world.job(first).reason) == (
        State.SUPERSEDED,
        Reason.NEWER_UPLOAD,
    )
    assert (world.job(second).state, world.job(second).attempts) == (State.COMPLETED, ())
    assert len(world.evolink.charges) == 1
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == second.id


def test_of_two_uploads_of_a_key_that_wait_at_the_gate_the_older_is_superseded() -> None:
    """Nothing was paid for it, so the newer upload does not wait for it."""
    world = reusing()
    world.operate.pause()
    first = world.arrives("a.jpg")
    second = world.arrives("a.jpg")
    assert [world.job(job).reason for job in (first, second)] == [Reason.GATE_PAUSED] * 2
    world.operate.resume()
    world.settles()
    assert world.job(first).state is State.SUPERSEDED
    assert (world.job(second).state, len(world.evolink.charges)) == (State.PROCESSING, 1)


def test_a_picture_whose_call_has_an_unknown_end_is_waited_for() -> None:
    """It may have been paid for; only when it is given up is the picture bought by another."""
    world = reusing()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    world.arrives("a.jpg")
    second = world.arrives("b.jpg")
    world.passes(TIMING.unconfirmed_grace - MINUTE)
    assert (world.job(second).reason, len(world.evolink.posts)) == (Reason.SAME_PICTURE, 1)


def test_many_that_wait_for_one_picture_are_all_completed() -> None:
    """The item names some of them; the others come by their due time."""
    world = reusing()
    first = world.arrives("0.jpg")
    others = [world.arrives(f"{number}.jpg") for number in range(1, 70)]
    (purchase,) = world.bought.items.values()
    assert len(purchase.waiting) == 50
    finish(world, first)
    world.passes(2 * TIMING.poll_interval)
    assert {world.job(job).state for job in others} == {State.COMPLETED}
    assert len(world.evolink.charges) == 1


def test_a_picture_is_bought_once_however_long_its_uploads_wait_at_the_gate() -> None:
    """Each waits there by itself; the first that is admitted makes the call for both."""
    world = reusing()
    world.operate.pause()
    first = world.arrives("a.jpg")
    world.clock.advance(TIMING.retention + timedelta(days=3))
    world.bought.forget(world.clock.now())
    second = world.arrives("b.jpg")
    assert second.reason is Reason.GATE_PAUSED
    world.operate.resume()
    world.settles()
    assert world.job(second).reason is Reason.SAME_PICTURE
    finish(world, first)
    assert world.job(second).state is State.COMPLETED
    assert len(world.evolink.charges) == 1


def test_the_record_of_a_running_call_never_expires() -> None:
    """The row of its owner does not, either."""
    world = reusing()
    world.arrives("a.jpg")
    world.bought.forget(world.clock.now() + 2 * TIMING.retention)
    assert world.arrives("b.jpg").reason is Reason.SAME_PICTURE


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_is_over_is_forgotten_after_its_time(*, is_kept: bool) -> None:
    """With a result or without: the items of the table do not pile up."""
    world = reusing()
    job = world.arrives()
    finish(world, job, CUT_OUT if is_kept else b"png 600 400 0 0")
    world.clock.advance(TIMING.retention - MINUTE)
    world.bought.forget(world.clock.now())
    assert len(world.bought.items) == 1
    world.clock.advance(2 * MINUTE)
    world.bought.forget(world.clock.now())
    assert world.bought.items == {}


def test_a_live_photo_does_not_wait_behind_backfilled_ones() -> None:
    """Also if one of them has the same bytes: a job that waits at the gate owns no record."""
    world = reusing()
    world.operate.pause()
    for number, key in enumerate(["old.jpg", "a.jpg"]):
        job = world.registered(world.uploads.add(key, png(salt=number)), lane=Lane.BACKFILL)
        assert job is not None
        world.submit.advance(job)
    live = world.arrives("b.jpg", png(salt=1))
    assert live.reason is Reason.GATE_PAUSED
    assert world.jobs.waiting(1) == [live.id]


def test_the_waiting_list_is_emptied_when_the_buyer_ends_without_a_result() -> None:
    """Else each later end would send a message to everybody who ever waited."""
    world = reusing()
    first = world.arrives("a.jpg")
    world.arrives("b.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    world.wake(first)
    (item,) = world.bought.items.values()
    assert item.waiting == ()
