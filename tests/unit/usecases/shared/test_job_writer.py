"""What a move does besides writing the job: admission, conditions, and reads that it avoids."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.metrics import JOBS_SETTLED, Metric
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Move, State
from cutout.ports.jobs_table import JobMovedError, TaskClaim
from tests.support.builders import a_job, a_source, an_attempt
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook


def processing(world: World) -> Job:
    """A job whose task runs, while four other jobs wait."""
    job = world.arrives()
    for number in range(4):
        source = a_source(key=f"{number}.jpg")
        waiting = a_job(State.QUEUED, id=str(number), source=source, is_waiting=True, due_at=None)
        world.jobs.claim(waiting)
    return world.job(job)


def failed(world: World, job: Job) -> Job:
    """Move the job to `failed`."""
    ended = job.settle(
        Move.FAIL, now=START, retention=TIMING.retention, reason=Reason.DEADLINE_PASSED
    )
    return world.job_writer.record(job, ended)


def test_a_freed_slot_enqueues_the_oldest_waiting_job() -> None:
    """One message for one slot; if the job is gone, Submit advances the next one."""
    world = World()
    failed(world, processing(world))
    assert world.submissions.job_ids == ["0"]


def test_a_slot_is_freed_without_reading_the_gate() -> None:
    """The holder's name follows from the job, so any number of jobs may end at once."""
    hook = Hook()
    world = World(step=hook)
    job = processing(world)
    hook.seen.clear()
    failed(world, job)
    assert {step for step in hook.seen if step.startswith("gate.")} == set()
    assert world.jobs.read_gate().in_flight == 0


def test_a_move_that_changes_nothing_at_the_gate_writes_the_job_alone() -> None:
    """A transaction costs twice as much."""
    hook = Hook()
    world = World(step=hook)
    job = processing(world)
    shards = dict(world.jobs.shards)
    hook.seen.clear()
    later = job.move(Move.POLL_LATER, now=START, due_at=START)
    world.job_writer.record(job, later)
    assert hook.seen == ["jobs.save", "jobs.save done"]
    assert world.jobs.shards == shards


def test_a_settled_job_that_moves_before_it_is_announced_gets_the_effects_of_its_new_state() -> (
    None
):
    """An operator retried the photo meanwhile: the note of its failure is removed."""
    hook = Hook()
    world = World(step=hook)
    job = processing(world)

    def race() -> None:
        standing = world.job(job)
        completed = replace(standing, state=State.COMPLETED, version=standing.version + 1)
        world.jobs.jobs[job.id] = completed

    hook.once_at("announcements.announce done", race)
    with pytest.raises(JobMovedError):
        failed(world, job)
    assert (world.notes.written, world.notes.removed) == (["a.jpg.error.json"],) * 2


def test_an_end_whose_event_is_sent_twice_is_counted_once() -> None:
    """The job could not be marked after the event was sent, so Sweep sends the event again."""
    hook = Hook()
    world = World(step=hook)
    job = processing(world)

    def busy() -> None:
        raise StoreBusyError("throttled")

    hook.once_at("announcements.announce done", busy)
    with pytest.raises(StoreBusyError):
        failed(world, job)
    assert world.job_writer.announce(world.job(job)).is_announced
    assert [one.id for one in world.announcements.jobs] == [job.id, job.id]
    assert world.telemetry.counts[JOBS_SETTLED[State.FAILED]] == 1


def test_a_job_that_has_expired_has_no_effects() -> None:
    """No note is written."""
    world = World()
    world.job_writer.reapply_effects(None)
    assert world.notes.written == []


def test_a_retry_that_makes_a_new_call_counts_the_credits_of_that_call_alone() -> None:
    """The first call's were counted when the review began."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job), b"png 600 400 255 255")
    assert world.check_task(job).state is State.REVIEW
    assert world.telemetry.counts[Metric.CREDITS] == float(PRICE)
    world.clock.advance(TIMING.lease)
    world.operate.retry(world.job(job), bypass_cache=True)
    world.deliver_all()
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED
    assert world.job(job).credits == 2 * PRICE
    assert world.telemetry.counts[Metric.CREDITS] == float(2 * PRICE)


def test_a_retry_that_fetches_an_earlier_result_counts_no_credits() -> None:
    """The only call was counted when the job failed, since its outcome was unknown."""
    world = World()
    job = world.arrives()
    world.passes(TIMING.job_deadline + timedelta(minutes=10))
    assert world.job(job).state is State.FAILED
    assert world.telemetry.counts[Metric.CREDITS] == float(PRICE)
    world.evolink.complete(world.task_of(job))
    world.operate.retry(world.job(job))
    world.passes(timedelta(minutes=1))
    assert (world.job(job).state, world.job(job).credits) == (State.COMPLETED, PRICE)
    assert world.telemetry.counts[Metric.CREDITS] == float(PRICE)


def test_a_retry_that_ends_without_a_call_counts_no_credits() -> None:
    """The photo was deleted meanwhile."""
    world = World()
    job = world.arrives()
    world.passes(TIMING.job_deadline + timedelta(minutes=10))
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    world.operate.retry(world.job(job), bypass_cache=True)
    world.deliver_all()
    assert world.job(job).state is State.SUPERSEDED
    assert world.telemetry.counts[Metric.CREDITS] == float(PRICE)


ADOPTED = an_attempt(1, outcome=AttemptOutcome.ACCEPTED, task_id="task-1", is_adopted=True)
CERTAIN = replace(ADOPTED, is_adopted=False)


@pytest.mark.parametrize(
    ("attempts", "then", "decided_by", "claimed"),
    [
        ((ADOPTED,), (ADOPTED,), None, []),
        ((ADOPTED,), (ADOPTED,), ADOPTED, [False]),
        ((ADOPTED,), (ADOPTED.without_task(),), ADOPTED, [False]),
        ((), (ADOPTED,), None, [False]),
        ((), (ADOPTED,), ADOPTED, [False]),
        ((ADOPTED.without_task(),), (CERTAIN,), None, [True]),
        ((CERTAIN,), (CERTAIN,), CERTAIN, []),
        ((CERTAIN, an_attempt(2)), (CERTAIN, an_attempt(2)), None, []),
    ],
)
def test_a_task_is_claimed_when_it_becomes_known_or_decides(
    attempts: tuple[Attempt, ...],
    then: tuple[Attempt, ...],
    decided_by: Attempt | None,
    claimed: list[bool],
) -> None:
    """A task known only from a callback is taken over by the call that was answered with it."""
    world = World()
    job = world.jobs.claim(a_job(State.PROCESSING, attempts=attempts, storing_attempt=1))
    after = replace(job, state=State.STORING, attempts=then)
    world.job_writer.record(job, after, decided_by=decided_by)
    assert list(world.jobs.tasks.values()) == [
        TaskClaim(
            task_id="task-1",
            job_id=job.id,
            attempt=1,
            is_certain=is_certain,
            expires_at=START + TIMING.retention + 2 * TIMING.job_deadline,
        )
        for is_certain in claimed
    ]
