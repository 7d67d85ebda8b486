"""What an operator may do to a running stack."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import IllegalMoveError
from cutout.domain.gate.gate import Limits
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State, Transport
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import answering
from tests.support.fakes.world import KEY_SALT, LIMITS, TIMING, World

MINUTE = timedelta(minutes=1)
BAD_KEY = answering(refusal(status=401, code="unauthorized", message="expired"))


def test_a_pause_admits_no_job_while_running_tasks_continue() -> None:
    """Until an operator resumes, however long that takes."""
    world = World()
    running = world.arrives("a.jpg")
    gate = world.operate.pause()
    assert gate.pause == Pause(reason=PauseReason.OPERATOR, since=START, until=None)
    waiting = world.arrives("b.jpg")
    world.evolink.complete(world.task_of(running))
    assert world.check_task(running).state is State.COMPLETED
    world.passes(timedelta(days=1))
    assert (world.job(waiting).state, world.job(waiting).reason) == (
        State.QUEUED,
        Reason.GATE_PAUSED,
    )


@pytest.mark.parametrize("closes", ["person", "refused key"])
def test_resuming_opens_the_gate_whatever_closed_it(closes: str) -> None:
    """Waiting jobs are enqueued at once, not at the next sweep."""
    world = World()
    if closes == "person":
        world.operate.pause()
    else:
        world.evolink.create_faults.append(BAD_KEY)
    job = world.arrives()
    assert world.operate.resume().pause is None
    world.deliver_all()
    assert world.job(job).state is State.PROCESSING


def test_setting_one_limit_keeps_the_other() -> None:
    """In place of the deployed ones, until they are restored."""
    world = World()
    wider = world.operate.set_limits(max_in_flight=20)
    assert wider.limits == replace(LIMITS, max_in_flight=20)
    both = world.operate.set_limits(daily_credit_cap=Decimal(10))
    assert both.limits == Limits(max_in_flight=20, daily_credit_cap=Decimal(10))
    assert world.operate.restore_limits().limits is None


def failed(world: World) -> Job:
    """A job whose call the API refused."""
    refused = refusal(status=400, code="invalid_request", message="no")
    world.evolink.create_faults.append(answering(refused))
    return world.arrives()


def rejected(world: World) -> Job:
    """A job whose file is no photo."""
    return world.arrives("a.jpg", b"not a photo")


def in_review(world: World) -> Job:
    """A job with an opaque result."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job), b"png 600 400 255 255")
    return world.check_task(job)


@pytest.mark.parametrize("settled", [failed, in_review])
def test_a_retry_makes_a_new_attempt_of_the_same_job(settled: object) -> None:
    """With another idempotency key, number and charge, and an event of its own."""
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
    world.deliver_all()
    world.evolink.complete(world.task_of(job))
    done = world.check_task(job)
    assert (done.state, [a.number for a in done.attempts]) == (State.COMPLETED, [1, 2])
    assert [told.state for told in world.announcements.jobs] == [job.state, State.COMPLETED]


def test_a_retry_of_a_file_that_is_no_photo_rejects_it_again() -> None:
    """The file is inspected again, and nothing is paid."""
    world = World()
    job = rejected(world)
    world.operate.retry(job)
    world.deliver_all()
    assert (world.job(job).state, world.evolink.posts) == (State.REJECTED, [])


def test_a_photo_can_be_retried_through_the_files_api() -> None:
    """If links to the photos do not work."""
    world = World()
    job = failed(world)
    world.operate.retry(job, transport=Transport.FILES)
    world.deliver_all()
    assert list(world.files.copies) == [f"cutout-{job.id}-2-{KEY_SALT}.png"]


def test_a_retry_whose_message_is_lost_is_found_by_sweep() -> None:
    """The job is due when the lease is over."""
    world = World()
    job = failed(world)
    world.operate.retry(job)
    world.submissions.job_ids.clear()
    world.passes(TIMING.lease + MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_an_open_or_completed_job_cannot_be_retried() -> None:
    """That would cost and change nothing."""
    world = World()
    job = world.arrives()
    with pytest.raises(IllegalMoveError):
        world.operate.retry(job)
    world.evolink.complete(world.task_of(job))
    done = world.check_task(job)
    with pytest.raises(IllegalMoveError):
        world.operate.retry(done)
    assert (world.job(job), len(world.evolink.posts)) == (done, 1)
