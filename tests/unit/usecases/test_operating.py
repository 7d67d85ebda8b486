"""What a person may do to a running stack."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.errors import IllegalMoveError, NotSentError, TaskUnknownError
from cutout.gate import Limits, Pause, PauseReason
from cutout.job import Job
from cutout.provider import Refused
from cutout.states import Reason, State, Transport
from tests.fakes.clock import START
from tests.fakes.evolink import PRICE, answering
from tests.fakes.world import LIMITS, TIMING, World

MINUTE = timedelta(minutes=1)
BAD_KEY = answering(Refused(status=401, code="unauthorized", message="expired"))


def test_a_pause_lets_nobody_in_and_what_is_in_flight_goes_on() -> None:
    """Until a person resumes, however long that is."""
    world = World()
    running = world.arrives("a.jpg")
    gate = world.operate.pause()
    assert gate.pause == Pause(reason=PauseReason.OPERATOR, since=START, until=None)
    waiting = world.arrives("b.jpg")
    world.evolink.complete(world.task_of(running))
    assert world.wake(running).state is State.COMPLETED
    world.passes(timedelta(days=1))
    assert (world.job(waiting).state, world.job(waiting).reason) == (
        State.QUEUED,
        Reason.GATE_PAUSED,
    )


@pytest.mark.parametrize("closes", ["person", "refused key"])
def test_resuming_opens_the_gate_whatever_closed_it(closes: str) -> None:
    """Who waits is woken at once, not at the next sweep."""
    world = World()
    if closes == "person":
        world.operate.pause()
    else:
        world.evolink.create_faults.append(BAD_KEY)
    job = world.arrives()
    assert world.operate.resume().pause is None
    world.settles()
    assert world.job(job).state is State.PROCESSING


def test_one_limit_is_changed_and_the_other_stays() -> None:
    """Over the deployed ones, until they are restored."""
    world = World()
    wider = world.operate.set_limits(max_in_flight=20)
    assert wider.limits == replace(LIMITS, max_in_flight=20)
    both = world.operate.set_limits(daily_credit_cap=Decimal(10))
    assert both.limits == Limits(max_in_flight=20, daily_credit_cap=Decimal(10))
    assert world.operate.restore_limits().limits is None


def failed(world: World) -> Job:
    """The API refused its call."""
    refused = Refused(status=400, code="invalid_request", message="no")
    world.evolink.create_faults.append(answering(refused))
    return world.arrives()


def rejected(world: World) -> Job:
    """It is no photo."""
    return world.arrives("a.jpg", b"not a photo")


def in_review(world: World) -> Job:
    """Its result was opaque."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job), b"png 600 400 255 255")
    return world.wake(job)


@pytest.mark.parametrize("settled", [failed, in_review])
def test_a_photo_that_is_tried_again_is_a_new_attempt_of_the_same_job(settled: object) -> None:
    """Another key, another number, another charge; and its end is told as well."""
    world = World()
    job: Job = settled(world)  # type: ignore[operator]
    again = world.operate.retry(job)
    assert (again.state, again.reason, again.result, again.expires_at, again.is_announced) == (
        State.QUEUED,
        Reason.RETRIED_BY_PERSON,
        None,
        None,
        False,
    )
    world.settles()
    world.evolink.complete(world.task_of(job))
    done = world.wake(job)
    assert (done.state, [a.number for a in done.attempts]) == (State.COMPLETED, [1, 2])
    assert [told.state for told in world.announcements.jobs] == [job.state, State.COMPLETED]


def test_what_is_no_photo_stays_none_however_often_it_is_tried() -> None:
    """Trying again looks at the file anew, and nothing is paid."""
    world = World()
    job = rejected(world)
    world.operate.retry(job)
    world.settles()
    assert (world.job(job).state, world.evolink.posts) == (State.REJECTED, [])


def test_a_photo_can_be_tried_again_through_the_files_api() -> None:
    """Where a person knows that links do not get through."""
    world = World()
    job = failed(world)
    world.operate.retry(job, transport=Transport.FILES)
    world.settles()
    assert list(world.files.copies) == [f"{job.id}-2.png"]


def test_a_retry_whose_message_got_lost_is_found_by_sweep() -> None:
    """The row is due when the lease is over."""
    world = World()
    job = failed(world)
    world.operate.retry(job)
    world.submissions.job_ids.clear()
    world.passes(TIMING.lease + MINUTE)
    assert world.job(job).state is State.PROCESSING


def lost_on_the_way(world: World) -> Job:
    """Its result was paid for, but no link could be fetched: our network had no way out."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.downloads.rule = lambda: NotSentError("ConnectTimeout")
    world.passes(2 * TIMING.job_deadline)
    lost = world.job(job)
    assert (lost.state, lost.reason) == (State.FAILED, Reason.RESULT_LOST)
    return lost


@pytest.mark.parametrize("is_one_of_many", [True, False])
def test_a_result_that_was_paid_for_and_lost_is_looked_for_before_it_is_bought_again(
    is_one_of_many: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The cause is mended, and the provider still has it: that takes no slot and no credits."""
    world = World()
    job = lost_on_the_way(world)
    world.operate.pause()
    world.downloads.rule = lambda: None
    retry = world.operate.retry_behind_others if is_one_of_many else world.operate.retry
    again = retry(job)
    assert (again.state, again.reason, again.due_at) == (
        State.STORING,
        Reason.RETRIED_BY_PERSON,
        world.clock.now(),
    )
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.credits, len(world.evolink.posts)) == (State.COMPLETED, PRICE, 1)
    assert (list(world.results.objects), done.is_announced) == (["a.png"], True)


def test_a_lost_result_is_looked_for_once_and_then_bought_again() -> None:
    """Its link is dead: whoever asks once more wants a new one."""
    world = World()
    job = lost_on_the_way(world)
    world.operate.retry(job)
    world.passes(2 * TIMING.job_deadline)
    assert world.job(job).reason is Reason.RESULT_LOST
    world.operate.retry(world.job(job))
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


def test_who_wants_a_lost_result_bought_anew_gets_it_at_once() -> None:
    """`retry --fresh`."""
    world = World()
    job = lost_on_the_way(world)
    world.operate.retry(job, is_fresh=True)
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


def test_a_lost_result_whose_task_is_forgotten_ends_as_that() -> None:
    """Days later: then a retry buys."""
    world = World()
    job = lost_on_the_way(world)
    world.evolink.read_faults.append(TaskUnknownError("404"))
    world.operate.retry(job)
    world.passes(MINUTE)
    gone = world.job(job)
    assert (gone.state, gone.reason) == (State.FAILED, Reason.TASK_LOST)
    world.operate.retry(gone)
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 2)


def test_a_photo_that_is_done_or_under_way_is_not_tried_again() -> None:
    """That would cost, and change nothing."""
    world = World()
    job = world.arrives()
    with pytest.raises(IllegalMoveError):
        world.operate.retry(job)
    world.evolink.complete(world.task_of(job))
    done = world.wake(job)
    with pytest.raises(IllegalMoveError):
        world.operate.retry(done)
    assert (world.job(job), len(world.evolink.posts)) == (done, 1)
