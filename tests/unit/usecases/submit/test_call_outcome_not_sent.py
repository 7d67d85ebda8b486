"""A call that was not sent is not paid for, and is made again until the deadline."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import StoreBusyError
from cutout.domain.job.attempt import Attempt
from cutout.domain.provider_outcomes import NotSent, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.usecases.shared.change_gate import change_gate
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import MODEL, PRICE, answering
from tests.support.fakes.world import KEY_SALT, TIMING, World

MINUTE = timedelta(minutes=1)
UNREACHABLE = answering(NotSent(message="ConnectError"))


def unreachable() -> World:
    """A world whose provider cannot be reached."""
    world = World()
    world.evolink.create_rule = UNREACHABLE
    return world


def test_a_call_that_was_not_sent_backs_off_and_costs_nothing() -> None:
    """Slot and credits are returned; the attempt records why it was not sent."""
    world = unreachable()
    job = world.arrives()
    assert (job.state, job.reason, job.message) == (
        State.QUEUED,
        Reason.BACKING_OFF,
        "ConnectError",
    )
    assert job.attempts == (
        Attempt(
            number=1,
            idempotency_key=f"cutout-{job.id}-1-{KEY_SALT}",
            started_at=START,
            outcome=AttemptOutcome.NOT_SENT,
            credits_reserved=PRICE,
            message="ConnectError",
            shard=0,
            model=MODEL,
        ),
    )
    assert job.credits == Decimal(0)
    gate = world.jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(START.date()), gate.pause) == (0, Decimal(0), None)


def test_back_offs_double_up_to_ten_minutes_with_jitter() -> None:
    """15, 30, 60 seconds, and so on: each wait is a random time between half and all of it."""
    world = unreachable()
    job = world.arrives()
    waits = []
    for _ in range(9):
        job = world.job(job)
        assert job.due_at is not None
        waits.append((job.due_at - world.clock.now()) / timedelta(seconds=1))
        world.clock.advance_to(job.due_at)
        world.submit.advance(job)
    whole = [30, 60, 120, 240, 480, 600, 600, 600, 600]
    assert [w / 2 <= wait < w for wait, w in zip(waits, whole, strict=True)] == [True] * 9
    assert len(set(waits)) == 9


def test_no_message_shortens_a_back_off() -> None:
    """A message that comes before the due time makes no call."""
    world = unreachable()
    job = world.arrives()
    assert world.advance(job) == job
    assert len(world.evolink.posts) == 1


def test_once_the_provider_is_reachable_the_photo_is_completed_with_one_payment() -> None:
    """Each call that was not sent has a number and an idempotency key of its own."""
    world = unreachable()
    job = world.arrives()
    world.passes(5 * MINUTE)
    world.evolink.create_rule = None
    world.passes(20 * MINUTE)
    world.evolink.complete(world.task_of(job))
    done = world.check_task(job)
    assert done.state is State.COMPLETED
    assert [a.number for a in done.attempts] == list(range(1, len(done.attempts) + 1))
    assert (len(world.evolink.charges), done.credits) == (1, PRICE)


def test_a_provider_unreachable_for_the_whole_deadline_fails_the_job() -> None:
    """The deadline counts from the first call, although old attempts are dropped from the job."""
    world = unreachable()
    job = world.arrives()
    world.passes(TIMING.job_deadline - MINUTE)
    assert world.job(job).state is State.QUEUED
    world.passes(15 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.reason, failed.message) == (
        State.FAILED,
        Reason.PROVIDER_UNREACHABLE,
        "ConnectError",
    )
    assert (failed.credits, len(failed.attempts) <= 11) == (Decimal(0), True)
    assert [told.state for told in world.announcements.jobs] == [State.FAILED]
    posts = len(world.evolink.posts)
    world.passes(TIMING.job_deadline)
    assert len(world.evolink.posts) == posts


def test_a_retry_has_the_whole_deadline() -> None:
    """However many calls were not sent before: the job records when the retry's calls began."""
    world = unreachable()
    job = world.arrives()
    world.passes(TIMING.job_deadline + 30 * MINUTE)
    world.clock.advance(timedelta(hours=12))
    world.operate.retry(world.job(job))
    world.passes(TIMING.job_deadline - 15 * MINUTE)
    assert world.job(job).reason is Reason.BACKING_OFF
    world.passes(30 * MINUTE)
    assert world.job(job).reason is Reason.PROVIDER_UNREACHABLE


def test_the_deadline_counts_from_the_last_retry() -> None:
    """A second retry starts it again."""
    world = World(timing=replace(TIMING, job_deadline=timedelta(hours=1)))
    world.evolink.create_rule = UNREACHABLE
    job = world.arrives()
    for _ in range(2):
        world.passes(timedelta(hours=1, minutes=15))
        assert world.job(job).reason is Reason.PROVIDER_UNREACHABLE
        world.clock.advance(timedelta(hours=3))
        world.operate.retry(world.job(job))
        world.deliver_all()
    world.passes(30 * MINUTE)
    assert world.job(job).reason is Reason.BACKING_OFF


def test_the_deadline_counts_only_from_the_first_call_that_was_not_sent() -> None:
    """Days of waiting at a paused gate do not count."""
    world = World()
    world.evolink.create_faults.append(
        answering(refusal(status=401, code="unauthorized", message="expired")),
    )
    job = world.arrives()
    world.clock.advance(timedelta(days=2))
    world.evolink.create_faults.append(UNREACHABLE)
    change_gate(world.jobs, lambda gate: gate.resuming())
    world.passes(MINUTE)
    assert (world.job(job).state, world.job(job).reason) == (State.QUEUED, Reason.BACKING_OFF)
    world.passes(2 * MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_a_job_whose_back_off_is_over_waits_behind_jobs_that_wait_longer() -> None:
    """It gets no slot before jobs that were already waiting at the gate."""
    world = World()
    world.jobs.gate = replace(world.jobs.read_gate(), limits=replace(world.limits, max_in_flight=1))
    world.evolink.create_faults.append(UNREACHABLE)
    early = world.arrives("a.jpg")
    running, waiting = world.arrives("b.jpg"), world.arrives("c.jpg")
    world.clock.advance(MINUTE)
    world.submit.advance(world.job(early))
    assert (world.job(early).reason, world.job(waiting).reason) == (
        Reason.GATE_FULL,
        Reason.GATE_FULL,
    )
    world.evolink.complete(world.task_of(running))
    world.check_task(running)
    world.deliver_all()
    assert world.job(early).state is State.PROCESSING


def test_a_call_for_which_the_api_key_cannot_be_read_is_not_recorded() -> None:
    """With Secrets Manager down, for example: the outcome of the call is not unknown."""
    world = World()
    world.evolink.unready = StoreBusyError("no key")
    with pytest.raises(StoreBusyError):
        world.arrives()
    [job] = world.jobs.jobs.values()
    assert (job.state, job.attempts, world.jobs.read_gate().in_flight) == (State.QUEUED, (), 0)
    world.evolink.unready = None
    world.passes(TIMING.lease + MINUTE)
    assert world.job(job).state is State.PROCESSING
    assert world.job(job).attempts[0].posts == 1


def test_a_repeat_for_which_the_api_key_cannot_be_read_is_not_counted() -> None:
    """The call stays unconfirmed, posted once, until the key can be read."""
    world = World()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives()
    world.clock.advance(TIMING.unconfirmed_grace)
    world.evolink.unready = StoreBusyError("no key")
    with pytest.raises(StoreBusyError):
        world.submit.advance(job)
    assert world.job(job) == job
    world.evolink.unready = None
    assert world.advance(job).state is State.PROCESSING
