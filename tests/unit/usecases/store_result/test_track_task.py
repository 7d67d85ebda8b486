"""Tracking a task to its end: only the API's own answer counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.errors import (
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
    StoreBusyError,
    TaskUnknownError,
)
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import TaskStatus
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import LOST, PRICE, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, png

MINUTE = timedelta(minutes=1)
FAILS = [
    # code, number of further attempts, seconds of the first wait
    ("content_policy_violation", 0, 0),
    ("invalid_parameters", 0, 0),
    ("image_dimension_mismatch", 0, 0),
    ("resource_not_found", 0, 0),
    ("a_code_nobody_documented", 0, 0),
    ("request_cancelled", 2, 30),
    ("generation_failed_no_content", 1, 60),
    ("service_error", 3, 60),
    ("generation_timeout", 2, 120),
    ("resource_exhausted", 3, 180),
    ("quota_exceeded", 3, 120),
    ("service_unavailable", 3, 180),
    ("unknown_error", 1, 60),
]


def test_a_running_task_is_read_again_after_the_poll_interval() -> None:
    """After an early callback or a poll."""
    world = World()
    job = world.arrives()
    world.clock.advance(TIMING.first_poll)
    after = world.check_task(job)
    now = world.clock.now()
    assert (after.state, after.due_at) == (State.PROCESSING, now + TIMING.poll_interval)
    assert after.attempts == job.attempts


def test_a_task_that_never_ends_fails_the_job_at_the_deadline_and_frees_the_slot() -> None:
    """The deadline counts from when the API accepted the task."""
    world = World()
    job = world.arrives()
    world.passes(TIMING.job_deadline - MINUTE)
    assert world.job(job).state is State.PROCESSING
    world.passes(TIMING.poll_interval + 2 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.reason) == (State.FAILED, Reason.DEADLINE_PASSED)
    assert [told.state for told in world.announcements.jobs] == [State.FAILED]
    gate = world.jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(START.date()), failed.credits) == (
        0,
        PRICE,
        PRICE,
    )


@pytest.mark.parametrize(
    "error",
    [
        ProviderBusyError("the API answers 401", status=401),
        ProviderBusyError("the API answers 402", status=402),
        ProviderBusyError("the API answers 403", status=403),
        ProviderBusyError("the API answers 429", status=429),
        ProviderBusyError("the API answers 500", status=500),
        ResponseLostError("ReadTimeout"),
        NotSentError("ConnectError"),
    ],
    ids=str,
)
def test_a_task_that_cannot_be_read_is_read_again(error: Exception) -> None:
    """The problem is the account's or the server's, not the photo's."""
    world = World()
    job = world.arrives()
    world.evolink.read_faults.append(error)
    after = world.check_task(job)
    assert (after.state, after.message) == (State.PROCESSING, str(error))
    assert after.due_at is not None
    wait = after.due_at - START
    assert timedelta(seconds=7.5) <= wait <= timedelta(seconds=15)
    assert (after.attempts, world.jobs.read_gate().pause) == (job.attempts, None)
    world.evolink.complete(world.task_of(job))
    world.passes(2 * MINUTE)
    assert world.job(job).state is State.COMPLETED


def test_failing_reads_are_spaced_out_up_to_the_poll_interval() -> None:
    """An API with problems is not flooded."""
    world = World()
    job = world.arrives()
    world.evolink.read_rule = lambda: ProviderBusyError("the API answers 503", status=503)
    waits = []
    for _ in range(7):
        job = world.check_task(job)
        assert job.due_at is not None
        waits.append((job.due_at - world.clock.now()) / timedelta(seconds=1))
        world.clock.advance_to(job.due_at)
    whole = [15, 30, 60, 120, 240, 300, 300]
    assert [w / 2 <= wait < w for wait, w in zip(waits, whole, strict=True)] == [True] * 7


def test_a_task_unknown_soon_after_its_creation_is_read_again() -> None:
    """A correct id may need a moment before it can be read."""
    world = World()
    job = world.arrives()
    task = world.evolink.tasks.pop(world.task_of(job))
    after = world.check_task(job)
    assert (after.state, after.due_at) == (State.PROCESSING, START + MINUTE)
    world.evolink.tasks[task.id] = task
    world.evolink.complete(task.id)
    world.passes(2 * MINUTE)
    assert world.job(job).state is State.COMPLETED


def test_a_task_that_stays_unknown_fails_the_job() -> None:
    """After ten minutes of 404s the record is gone; the reserved credits count as spent."""
    world = World()
    job = world.arrives()
    world.evolink.tasks.clear()
    world.passes(TIMING.first_poll + 9 * MINUTE)
    assert world.job(job).state is State.PROCESSING
    world.passes(3 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.reason, failed.code) == (
        State.FAILED,
        Reason.TASK_LOST,
        "task_not_found",
    )
    assert [(a.outcome, a.body_name) for a in failed.attempts] == [(AttemptOutcome.UNKNOWN, None)]
    assert (failed.credits, world.jobs.read_gate().in_flight) == (PRICE, 0)


def test_one_404_does_not_end_an_accepted_task() -> None:
    """The task is read again, and any other answer restarts the count."""
    world = World()
    job = world.arrives()
    world.passes(timedelta(hours=1))
    for _ in range(2):
        world.evolink.read_faults.append(TaskUnknownError("404"))
        world.passes(15 * MINUTE)
        after = world.job(job)
        assert (after.state, [a.not_found_since for a in after.attempts]) == (
            State.PROCESSING,
            [None],
        )
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED


def test_a_result_being_fetched_is_not_lost_by_one_404() -> None:
    """The task was completed before, and its link fails for a quarter of an hour."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.downloads.rule = lambda: LOST
    world.check_task(job)
    world.passes(15 * MINUTE)
    assert world.job(job).state is State.STORING
    world.evolink.read_faults.append(TaskUnknownError("404"))
    world.passes(6 * MINUTE)
    world.downloads.rule = lambda: None
    world.passes(6 * MINUTE)
    assert (world.job(job).state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_a_job_given_up_keeps_the_message_of_the_last_read() -> None:
    """So that the operator sees the API's error."""
    world = World()
    job = world.arrives()
    world.evolink.read_rule = lambda: ProviderBusyError("the API answers 503", status=503)
    world.passes(TIMING.job_deadline + timedelta(hours=1))
    lost = world.job(job)
    assert (lost.reason, lost.message) == (Reason.DEADLINE_PASSED, "the API answers 503")


@pytest.mark.parametrize(("code", "again", "_seconds"), FAILS)
def test_a_failed_task_is_tried_again_as_often_as_its_code_allows(
    code: str,
    again: int,
    _seconds: int,
) -> None:
    """A policy refusal and an unknown code never: a retry is a new paid call."""
    world = World()
    job = world.arrives()
    for _ in range(again + 2):
        if world.job(job).state is State.PROCESSING:
            world.evolink.fail(world.task_of(job), code, "why\nso")
            world.check_task(job)
        world.passes(20 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.reason) == (State.FAILED, Reason.TASK_FAILED)
    assert (failed.code, failed.message) == (code, "why\nso")
    assert [(a.outcome, a.code, a.body_name) for a in failed.attempts] == [
        (AttemptOutcome.FAILED, code, None),
    ] * (again + 1)
    assert len({key for key, _body in world.evolink.posts}) == again + 1
    gate = world.jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(START.date()), failed.credits) == (
        0,
        Decimal(0),
        Decimal(0),
    )


@pytest.mark.parametrize(
    ("code", "seconds"),
    [(code, seconds) for code, again, seconds in FAILS if again],
)
def test_the_waits_between_attempts_double_with_jitter(code: str, seconds: int) -> None:
    """The first wait depends on the code; up to half of it is added at random."""
    world = World()
    job = world.arrives()
    world.evolink.fail(world.task_of(job), code)
    job = world.check_task(job)
    assert (job.state, job.reason, job.code) == (State.QUEUED, Reason.TASK_RETRIED, code)
    assert job.due_at is not None
    first = timedelta(seconds=seconds)
    assert first < job.due_at - START < 1.5 * first
    assert world.advance(job) == job
    world.clock.advance_to(job.due_at)
    job = world.advance(job)
    world.evolink.fail(world.task_of(job), code)
    job = world.check_task(job)
    if job.state is State.QUEUED:
        assert job.due_at is not None
        assert 2 * first < job.due_at - world.clock.now() < 3 * first


def test_a_photo_whose_second_attempt_succeeds_is_completed_and_paid_once() -> None:
    """The credits reserved by a failed task are returned; both attempts are recorded."""
    world = World()
    job = world.arrives()
    world.evolink.fail(world.task_of(job), "service_error")
    world.check_task(job)
    world.passes(3 * MINUTE)
    world.evolink.complete(world.task_of(job))
    done = world.check_task(job)
    assert [a.outcome for a in done.attempts] == [AttemptOutcome.FAILED, AttemptOutcome.SUCCEEDED]
    assert (done.state, done.credits, world.jobs.read_gate().spent_on(START.date())) == (
        State.COMPLETED,
        PRICE,
        PRICE,
    )


def test_a_failed_task_that_was_charged_counts() -> None:
    """Moderation is not refunded for this model, and only the task says so."""
    world = World()
    job = world.arrives()
    task_id = world.task_of(job)
    world.evolink.fail(task_id, "content_policy_violation")
    world.evolink.tasks[task_id] = replace(world.evolink.tasks[task_id], credits_used=PRICE)
    failed = world.check_task(job)
    assert (failed.state, failed.credits) == (State.FAILED, PRICE)
    assert world.jobs.read_gate().spent_on(START.date()) == PRICE


@pytest.mark.parametrize("used", [Decimal("5.4"), Decimal("3.1"), Decimal("9.9")])
def test_used_credits_replace_reserved_ones(used: Decimal) -> None:
    """In the job and in the day's credits."""
    world = World()
    job = finished(world, used)
    assert (job.credits, world.jobs.read_gate().spent_on(START.date())) == (used, used)


def test_a_task_without_used_credits_costs_the_reserved_ones() -> None:
    """The field is not documented and may be missing."""
    world = World()
    assert finished(world, None).credits == PRICE
    assert world.jobs.read_gate().spent_on(START.date()) == PRICE


def finished(world: World, used: Decimal | None) -> Job:
    """A job whose task used this many credits."""
    job = world.arrives()
    task_id = world.task_of(job)
    world.evolink.complete(task_id)
    world.evolink.tasks[task_id] = replace(world.evolink.tasks[task_id], credits_used=used)
    return world.check_task(job)


def test_a_completed_task_without_links_is_read_again_and_not_paid_again() -> None:
    """The result may be there a moment later; a new attempt would cost again."""
    world = World()
    job = world.arrives()
    task_id = world.task_of(job)
    world.evolink.complete(task_id)
    with_link = world.evolink.tasks[task_id]
    world.evolink.tasks[task_id] = replace(with_link, result_url=None)
    after = world.check_task(job)
    assert (after.state, after.reason, after.message) == (
        State.STORING,
        Reason.RESULT_UNREADABLE,
        "the task is completed but names no result",
    )
    world.evolink.tasks[task_id] = with_link
    world.passes(2 * MINUTE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.COMPLETED, 1)


def test_a_task_running_again_after_it_was_completed_is_waited_for() -> None:
    """A status that goes back does not lose the result."""
    world = World()
    job = world.arrives()
    task_id = world.task_of(job)
    world.evolink.complete(task_id)
    completed = world.evolink.tasks[task_id]
    world.evolink.tasks[task_id] = replace(completed, result_url=None)
    world.check_task(job)
    world.evolink.tasks[task_id] = replace(completed, status=TaskStatus.RUNNING)
    world.passes(2 * MINUTE)
    assert world.job(job).state is State.STORING
    world.evolink.tasks[task_id] = completed
    world.passes(12 * MINUTE)
    assert world.job(job).state is State.COMPLETED


def test_a_task_that_fails_after_it_was_completed_fails_the_job() -> None:
    """Its slot is already free, and no other attempt is made."""
    world = World()
    job = world.arrives()
    task_id = world.task_of(job)
    world.evolink.complete(task_id)
    world.evolink.tasks[task_id] = replace(world.evolink.tasks[task_id], result_url=None)
    world.check_task(job)
    world.evolink.fail(task_id, "service_error")
    world.passes(2 * MINUTE)
    assert (world.job(job).state, world.job(job).reason) == (State.FAILED, Reason.TASK_FAILED)
    assert (world.jobs.read_gate().in_flight, len(world.evolink.posts)) == (0, 1)


def test_a_failed_task_returns_its_price_and_no_more() -> None:
    """The credits reserved by another job stay in the day's sum."""
    world = World()
    first = world.arrives("a.jpg", png(salt=1))
    world.arrives("b.jpg", png(salt=2))
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    world.check_task(first)
    assert world.jobs.read_gate().spent_on(START.date()) == PRICE


def test_a_failed_task_of_a_replaced_photo_returns_its_price() -> None:
    """The job is superseded, and cost nothing."""
    world = World()
    first = world.arrives("a.jpg", png(salt=1))
    world.arrives("a.jpg", png(salt=2))
    world.evolink.fail(world.task_of(first), "service_error")
    ended = world.check_task(first)
    assert (ended.state, ended.credits) == (State.SUPERSEDED, Decimal(0))
    assert world.jobs.read_gate().spent_on(START.date()) == PRICE


def test_a_callback_that_loses_every_race_is_delivered_again() -> None:
    """Its message may be the only record of the task of a call without a response."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    task = world.task_of(job)
    world.evolink.complete(task)

    def moved_meanwhile() -> None:
        world.jobs.save(world.job(job))

    world.evolink.read_rule = moved_meanwhile
    with pytest.raises(StoreBusyError):
        world.check_task(job, task_id=task)
    world.evolink.read_rule = lambda: None
    assert world.check_task(job, task_id=task).state is State.COMPLETED
