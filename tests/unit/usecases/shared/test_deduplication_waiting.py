"""Jobs that wait while another job pays for the same photo."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State
from tests.support.deduplicating import deduplicating, finish
from tests.support.fakes.evolink import CUT_OUT, answering
from tests.support.fakes.world import TIMING, World, png

MINUTE = timedelta(minutes=1)


def test_of_two_concurrent_jobs_one_pays_and_the_other_waits_for_the_result() -> None:
    """The waiting job takes no slot and does not wait at the gate."""
    world = deduplicating()
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


def test_a_job_whose_message_was_lost_is_completed_at_its_due_time() -> None:
    """A waiting job checks the record by itself, at growing intervals."""
    world = deduplicating()
    first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
    assert second.due_at == world.clock.now() + TIMING.poll_interval
    world.evolink.complete(world.task_of(first))
    world.check_task(first)
    world.submissions.job_ids.clear()
    world.passes(TIMING.poll_interval + MINUTE)
    assert world.job(second).state is State.COMPLETED


def test_a_job_that_waits_long_checks_once_an_hour() -> None:
    """Intervals grow up to an hour, so a long task costs few requests."""
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
def test_one_waiting_job_takes_over_when_the_owner_ends_without_a_usable_result(end: str) -> None:
    """The other jobs keep waiting; a result that needs review is not reused."""
    world = deduplicating()
    first = world.arrives("a.jpg")
    others = [world.arrives("b.jpg"), world.arrives("c.jpg")]
    ENDS[end](world, first)
    world.check_task(first)
    world.deliver_all()
    assert world.job(first).state in {State.FAILED, State.REVIEW}
    states = [world.job(job).state for job in others]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    owner = world.job(others[states.index(State.PROCESSING)])
    finish(world, owner)
    assert [world.job(job).state for job in others] == [State.COMPLETED, State.COMPLETED]
    assert len(world.evolink.charges) == 2


def test_an_owner_whose_job_has_expired_is_not_waited_for() -> None:
    """The job's item was deleted by its TTL."""
    world = deduplicating()
    first = world.arrives("a.jpg")
    del world.jobs.jobs[first.id]
    assert world.arrives("b.jpg").state is State.PROCESSING


def test_the_result_of_a_superseded_job_completes_the_newer_job() -> None:
    """The same bytes are uploaded again under the same key while the first task runs."""
    world = deduplicating()
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


def test_of_two_uploads_of_a_key_waiting_at_the_gate_the_older_is_superseded() -> None:
    """Nothing was paid for it, so the newer upload does not wait for it."""
    world = deduplicating()
    world.operate.pause()
    first = world.arrives("a.jpg")
    second = world.arrives("a.jpg")
    assert [world.job(job).reason for job in (first, second)] == [Reason.GATE_PAUSED] * 2
    world.operate.resume()
    world.deliver_all()
    assert world.job(first).state is State.SUPERSEDED
    assert (world.job(second).state, len(world.evolink.charges)) == (State.PROCESSING, 1)


def test_a_job_waits_for_an_owner_whose_call_has_an_unknown_outcome() -> None:
    """The call may have been paid for; another job pays only after it is given up."""
    world = deduplicating()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    world.arrives("a.jpg")
    second = world.arrives("b.jpg")
    world.passes(TIMING.unconfirmed_grace - MINUTE)
    assert (world.job(second).reason, len(world.evolink.posts)) == (Reason.SAME_PICTURE, 1)


def test_all_of_many_jobs_that_wait_for_one_photo_are_completed() -> None:
    """The record lists fifty of them; the others check at their due time."""
    world = deduplicating()
    first = world.arrives("0.jpg")
    others = [world.arrives(f"{number}.jpg") for number in range(1, 70)]
    (purchase,) = world.dedup_records.items.values()
    assert len(purchase.waiting) == 50
    finish(world, first)
    world.passes(2 * TIMING.poll_interval)
    assert {world.job(job).state for job in others} == {State.COMPLETED}
    assert len(world.evolink.charges) == 1


def test_a_photo_is_paid_for_once_however_long_its_uploads_wait_at_the_gate() -> None:
    """Each job waits at the gate; the first one admitted makes the call for both."""
    world = deduplicating()
    world.operate.pause()
    first = world.arrives("a.jpg")
    world.clock.advance(TIMING.retention + timedelta(days=3))
    world.dedup_records.forget(world.clock.now())
    second = world.arrives("b.jpg")
    assert second.reason is Reason.GATE_PAUSED
    world.operate.resume()
    world.deliver_all()
    assert world.job(second).reason is Reason.SAME_PICTURE
    finish(world, first)
    assert world.job(second).state is State.COMPLETED
    assert len(world.evolink.charges) == 1


def test_the_record_of_a_running_call_never_expires() -> None:
    """Nor does the owner's job."""
    world = deduplicating()
    world.arrives("a.jpg")
    world.dedup_records.forget(world.clock.now() + 2 * TIMING.retention)
    assert world.arrives("b.jpg").reason is Reason.SAME_PICTURE


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_record_of_a_settled_job_expires_after_the_retention_time(*, is_kept: bool) -> None:
    """With a cached result or without."""
    world = deduplicating()
    job = world.arrives()
    finish(world, job, CUT_OUT if is_kept else b"png 600 400 0 0")
    world.clock.advance(TIMING.retention - MINUTE)
    world.dedup_records.forget(world.clock.now())
    assert len(world.dedup_records.items) == 1
    world.clock.advance(2 * MINUTE)
    world.dedup_records.forget(world.clock.now())
    assert world.dedup_records.items == {}


def test_a_live_photo_does_not_wait_behind_backfilled_ones() -> None:
    """Even if a backfilled job has the same bytes: a job that waits at the gate owns no record."""
    world = deduplicating()
    world.operate.pause()
    for number, key in enumerate(["old.jpg", "a.jpg"]):
        job = world.registered(world.uploads.add(key, png(salt=number)), lane=Lane.BACKFILL)
        assert job is not None
        world.submit.advance(job)
    live = world.arrives("b.jpg", png(salt=1))
    assert live.reason is Reason.GATE_PAUSED
    assert world.jobs.waiting(1) == [live.id]


def retried_after_its_deadline(world: World) -> tuple[Job, Job]:
    """A job whose task is read again after a person's retry, and one that waits for it."""
    first = world.arrives("a.jpg")
    world.passes(TIMING.job_deadline + 10 * MINUTE)
    world.operate.retry(world.job(first))
    return first, world.arrives("b.jpg")


def test_a_job_that_begins_to_wait_while_a_retry_reads_a_task_waits_for_the_next_call_too() -> None:
    """The owner has ended once, which enqueued nobody: the task that it reads again has failed."""
    world = deduplicating()
    first, second = retried_after_its_deadline(world)
    assert second.reason is Reason.SAME_PICTURE
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    world.deliver_all()
    world.passes(MINUTE)
    assert world.job(first).state is State.PROCESSING
    finish(world, first)
    assert world.job(second).state is State.COMPLETED


def test_a_job_that_begins_to_wait_takes_the_place_of_those_enqueued_when_the_owner_ended() -> None:
    """There is room for it, however many waited then."""
    world = deduplicating()
    first = world.arrives("a.jpg")
    (picture,) = world.dedup_records.items
    ended = replace(world.dedup_records.items[picture], expires_at=world.clock.now())
    full = tuple(f"job-{number}" for number in range(50))
    world.dedup_records.items[picture] = replace(ended, waiting=full)
    second = world.arrives("b.jpg")
    assert world.dedup_records.items[picture].waiting == (second.id,)
    finish(world, first)
    assert world.job(second).state is State.COMPLETED


def test_a_job_that_makes_the_next_call_no_longer_waits_for_it() -> None:
    """Otherwise each later end would send messages to all jobs that ever made a call."""
    world = deduplicating()
    first = world.arrives("a.jpg")
    for key in ("b.jpg", "c.jpg"):
        world.arrives(key)
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    world.check_task(first)
    world.deliver_all()
    (item,) = world.dedup_records.items.values()
    assert item.owner not in {first.id, *item.waiting}
    assert len(item.waiting) == 1
