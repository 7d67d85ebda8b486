"""Sweep enqueues all due jobs once a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.gate.gate import LONGEST_DEADLINE, LONGEST_TASK
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import NotSent
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.builders import holders, new_gate
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import LOST, answering, taken_but_unanswered
from tests.support.fakes.world import LIMITS, TIMING, World, png
from tests.support.hooks import Hook, WorkerCrashedError

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def a_new_job(world: World) -> Job:
    """A job whose worker crashed before it did anything."""
    job = world.registered(world.uploads.add("a.jpg", png()))
    assert job is not None
    return job


def a_job_that_backs_off(world: World) -> Job:
    """A job whose call was not sent."""
    world.evolink.create_faults.append(answering(NotSent(message="ConnectError")))
    return world.arrives()


def busy() -> None:
    """Raise as a throttled table or a conflicting transaction does."""
    raise StoreBusyError("throttled")


def a_job_whose_worker_crashed_in_its_call(world: World) -> Job:
    """A job whose worker crashed while its lease runs."""

    def crash(*_args: object) -> None:
        raise WorkerCrashedError

    world.evolink.create_faults.append(crash)  # type: ignore[arg-type]
    with pytest.raises(WorkerCrashedError):
        world.arrives()
    return next(iter(world.jobs.jobs.values()))


def an_unconfirmed_job(world: World) -> Job:
    """A job whose call got no response."""
    world.evolink.create_faults.append(taken_but_unanswered)
    return world.arrives()


def a_job_whose_task_runs(world: World) -> Job:
    """A job that has got no callback yet."""
    return world.arrives()


def a_job_whose_result_cannot_be_read(world: World) -> Job:
    """A job that will be tried again later."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.downloads.faults.append(LOST)
    return world.check_task(job)


def a_settled_job_that_was_not_announced(world: World) -> Job:
    """A job whose worker crashed before it sent the event."""
    job = world.arrives("a.jpg", b"not a photo")
    job = replace(job, is_announced=False, due_at=world.clock.now())
    return world.jobs.save(job)


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (a_new_job, State.QUEUED),
        (a_job_that_backs_off, State.QUEUED),
        (a_job_whose_worker_crashed_in_its_call, State.SUBMITTING),
        (an_unconfirmed_job, State.UNCONFIRMED),
    ],
)
def test_jobs_for_submit_are_sent_to_the_submissions_queue(
    make: object,
    state: State,
) -> None:
    """Not before they are due, and once when they are."""
    world = World()
    job: Job = make(world)  # type: ignore[operator]
    assert job.state is state
    assert job.due_at is not None
    world.clock.advance_to(job.due_at - timedelta(milliseconds=1))
    assert (world.sweep.sweep(), world.submissions.job_ids) == (0, [])
    world.clock.advance_to(job.due_at)
    assert (world.sweep.sweep(), world.submissions.job_ids) == (1, [job.id])
    assert world.callbacks.checks == []


@pytest.mark.parametrize(
    ("make", "state", "attempt", "task_id"),
    [
        (a_job_whose_task_runs, State.PROCESSING, 1, "task-unified-000001"),
        (a_job_whose_result_cannot_be_read, State.STORING, 1, "task-unified-000001"),
        (a_settled_job_that_was_not_announced, State.REJECTED, 0, None),
    ],
)
def test_jobs_for_store_result_are_sent_to_the_callbacks_queue(
    make: object,
    state: State,
    attempt: int,
    task_id: str | None,
) -> None:
    """Marked as a poll, so that lost callbacks can be counted."""
    world = World()
    job: Job = make(world)  # type: ignore[operator]
    assert job.state is state
    assert job.due_at is not None
    world.clock.advance_to(job.due_at)
    world.sweep.sweep()
    assert world.callbacks.checks == [
        TaskCheck(job_id=job.id, attempt=attempt, task_id=task_id, is_poll=True),
    ]
    assert world.submissions.job_ids == []


def test_an_enqueued_job_is_enqueued_again_only_after_a_lease() -> None:
    """A slow queue is not filled with duplicates, and a lost message is sent again."""
    world = World()
    job = a_new_job(world)
    world.clock.advance(TIMING.lease)
    world.sweep.sweep()
    world.clock.advance(TIMING.lease - timedelta(seconds=1))
    world.sweep.sweep()
    assert world.submissions.job_ids == [job.id]
    world.clock.advance(timedelta(seconds=1))
    world.sweep.sweep()
    assert world.submissions.job_ids == [job.id, job.id]


def test_an_enqueued_job_is_still_due_for_its_worker() -> None:
    """Postponing changes when Sweep checks the job, not its own due time."""
    world = World()
    job = an_unconfirmed_job(world)
    world.clock.advance(TIMING.unconfirmed_grace)
    world.sweep.sweep()
    assert world.job(job) == job
    world.deliver_all()
    assert world.job(job).state is State.PROCESSING


@pytest.mark.parametrize("step", ["submissions.enqueue done", "backlog.postpone"])
def test_the_message_is_sent_before_the_job_is_postponed(step: str) -> None:
    """A crash in between sends a message twice, and loses none."""
    hook = Hook()
    world = World(step=hook)
    job = a_new_job(world)
    world.clock.advance(TIMING.lease)
    hook.crash_at(step)
    with pytest.raises(WorkerCrashedError):
        world.sweep.sweep()
    assert world.submissions.job_ids == [job.id]
    world.sweep.sweep()
    assert world.submissions.job_ids == [job.id, job.id]


def test_a_lost_callback_is_recovered_by_a_poll_and_counted() -> None:
    """The callback endpoint may have been down for an hour: the result is not lost."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.passes(TIMING.first_poll + MINUTE)
    assert world.job(job).state is State.COMPLETED
    assert world.telemetry.counts[Metric.RECOVERED_BY_POLL] == 1


def test_a_settled_job_whose_event_was_not_sent_is_announced() -> None:
    """The event bus was busy when the job ended; the event is sent within two minutes."""
    hook = Hook()
    world = World(step=hook)
    hook.once_at("announcements.announce", busy)
    world.arrives("a.jpg", b"not a photo")
    (job,) = world.jobs.jobs.values()
    assert (job.state, job.is_announced) == (State.REJECTED, False)
    world.passes(2 * MINUTE)
    assert [told.id for told in world.announcements.jobs] == [job.id]
    assert world.job(job) == replace(
        job, version=job.version + 1, is_announced=True, due_at=None, look_at=None
    )


def test_after_an_operators_retry_the_new_attempt_is_polled() -> None:
    """A job in review is retried and its callback is lost: the poll reads the new task."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job), b"png 600 400 255 255")
    job = world.check_task(job)
    assert job.state is State.REVIEW
    world.operate.retry(job)
    world.deliver_all()
    world.evolink.complete(world.task_of(job))
    world.passes(TIMING.first_poll + MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt) == (State.COMPLETED, 2)
    assert done.credits == 2 * world.job(job).attempts[0].credits_used  # type: ignore[operator]


@pytest.mark.parametrize("slots", [LIMITS.max_in_flight, 20])
def test_slots_of_deleted_jobs_are_freed_after_four_days(slots: int) -> None:
    """An operator deleted the jobs from the table. Twenty slots are in three shards."""
    world = World(limits=replace(LIMITS, max_in_flight=slots))
    world.occupy(slots)
    job = world.arrives()
    assert (job.state, job.reason) == (State.QUEUED, Reason.GATE_FULL)
    world.clock.advance(timedelta(days=4))
    world.sweep.sweep()
    assert world.jobs.read_gate().in_flight == slots
    world.passes(2 * MINUTE)
    assert world.job(job).state is State.PROCESSING
    named = {told.get("holder") for _message, told in world.telemetry.facts} - {None}
    assert named == holders(slots, START)


def test_a_slot_is_held_for_as_long_as_settings_allow_a_task_to_be_tracked() -> None:
    """The call's outcome is unknown, then its task runs on; each read fails just before the end."""
    longest = LONGEST_DEADLINE
    timing = replace(TIMING, job_deadline=longest, poll_interval=longest)
    world = World(timing=timing, limits=replace(LIMITS, max_in_flight=1))
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.check_task(job, is_taken=True)
    world.passes(longest - MINUTE, swept_every=HOUR)
    world.check_task(job, task_id=world.task_of(job), is_taken=True)
    other = world.arrives("b.jpg", png(salt=1))
    while world.job(job).state is not State.FAILED:
        assert (world.job(other).state, len(world.evolink.tasks)) == (State.QUEUED, 1)
        world.passes(HOUR, swept_every=HOUR)
    assert world.job(job).reason is Reason.DEADLINE_PASSED
    assert world.clock.now() - START < LONGEST_TASK


def test_the_shards_drop_the_credits_of_old_days() -> None:
    """The last four days stay, since tasks of those days may still change them."""
    world = World()
    days = [START.date() + timedelta(days=number) for number in range(10)]
    for _ in days:
        world.occupy(0, spent=7)
        world.sweep.sweep()
        world.clock.advance(timedelta(days=1))
    gate = world.jobs.read_gate()
    assert gate.shards[0].spent == dict.fromkeys(days[-5:], Decimal(7))


@pytest.mark.parametrize("step", ["gate.free", "gate.forget"])
def test_a_busy_shard_does_not_end_the_run(step: str) -> None:
    """Waiting jobs are enqueued, and the next run frees the slots and drops the old days."""
    hook = Hook()
    world = World(step=hook)
    world.occupy(1, spent=7)
    world.operate.pause()
    waiting = world.arrives()
    world.operate.resume()
    world.submissions.job_ids.clear()
    world.clock.advance(timedelta(days=5))
    hook.once_at(step, busy)
    world.sweep.sweep()
    assert world.submissions.job_ids == [waiting.id]
    assert Metric.IN_FLIGHT in world.telemetry.counts
    assert world.jobs.shards[0].spent
    world.sweep.sweep()
    assert not world.jobs.shards[0].holders
    assert not world.jobs.shards[0].spent


def test_sweep_seals_the_gate_for_earlier_versions_and_stores_the_limits() -> None:
    """After an update, tasks of the earlier version still count; its pause is kept."""
    world = World()
    pause = Pause(reason=PauseReason.OPERATOR, since=START, until=None)
    old = new_gate(version=9, carried_in_flight=2, seal=pause)
    world.jobs.gate = old
    world.sweep.sweep()
    gate = world.jobs.read_gate()
    assert (gate.is_sealed, gate.pause, gate.in_flight, gate.deployed) == (True, pause, 2, LIMITS)
    version = gate.version
    world.clock.advance(MINUTE)
    world.sweep.sweep()
    assert world.jobs.read_gate().version == version, "it is written only where it changes"


def test_a_lagging_index_frees_no_slot() -> None:
    """The scheduler may start Sweep twice with the same old index: slots are read consistently."""
    world = World()
    for number in range(LIMITS.max_in_flight):
        world.clock.advance(timedelta(seconds=1))
        world.arrives(f"{number}.jpg", png(salt=number))
    world.jobs.lag = lambda views: views - 3
    world.sweep.sweep()
    world.clock.advance(timedelta(seconds=1))
    world.sweep.sweep()
    world.jobs.lag = lambda views: views - 1
    held = world.arrives("one-more.jpg", png(salt=99))
    assert (held.state, held.reason) == (State.QUEUED, Reason.GATE_FULL)


def test_a_job_due_later_than_the_index_says_is_checked_at_its_due_time() -> None:
    """The index keeps an earlier time, so that it need not be written with each move."""
    world = World()
    job = world.arrives()
    assert job.due_at is not None
    assert world.jobs.look_at[job.id] < job.due_at
    world.clock.advance_to(world.jobs.look_at[job.id])
    assert world.sweep.sweep() == 0
    assert (world.callbacks.checks, world.submissions.job_ids) == ([], [])
    assert world.jobs.look_at[job.id] == job.due_at
    world.clock.advance_to(job.due_at)
    assert world.sweep.sweep() == 1
    assert [check.job_id for check in world.callbacks.checks] == [job.id]


def test_the_gauges_report_due_jobs_and_the_gate() -> None:
    """The age of the oldest due job shows how far behind processing is."""
    world = World()
    world.arrives("running.jpg")
    a_new_job(world)
    world.clock.advance(TIMING.lease + timedelta(seconds=7))
    world.telemetry.counts.clear()
    world.sweep.sweep()
    assert world.telemetry.counts == {
        Metric.JOBS_DUE: 1,
        Metric.OLDEST_DUE_SECONDS: 7,
        Metric.IN_FLIGHT: 1,
        Metric.OLDEST_IN_FLIGHT_SECONDS: 127,
        Metric.WAITING: 0,
        Metric.OLDEST_WAITING_SECONDS: 0,
        Metric.SPENT_TODAY: 5.4,
        Metric.CAP_USED_PERCENT: 0.11,
        Metric.GATE_IS_PAUSED: 0,
        Metric.PAUSED_OUT_OF_CREDITS: 0,
        Metric.PAUSED_KEY_REFUSED: 0,
        Metric.PAUSED_RATE_LIMITED: 0,
        Metric.PAUSED_BY_A_PERSON: 0,
    }


def test_an_enqueued_job_is_logged_with_its_id_and_key() -> None:
    """By which its lines are found in the logs of all functions."""
    world = World()
    job = a_new_job(world)
    world.clock.advance(TIMING.lease)
    world.sweep.sweep()
    told = {"job_id": job.id, "state": State.QUEUED, "key": job.source.key}
    assert ("job sent on", told) in world.telemetry.facts
