"""Jobs written by a newer version that was rolled back, while others are being processed."""

from __future__ import annotations

from datetime import timedelta

from cutout.domain.errors import NewerRowError
from cutout.domain.metrics import Metric
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.deduplicating import deduplicating
from tests.support.fakes.world import LIMITS, World, png

MINUTE = timedelta(minutes=1)


def deliver(world: World) -> None:
    """Deliver as Submit's handler does; messages about unreadable jobs are dropped."""
    ids, world.submissions.job_ids = world.submissions.job_ids, []
    for job_id in ids:
        try:
            job = world.jobs.find(job_id)
        except NewerRowError:
            continue
        if job is not None:
            world.submit.advance(job)


def test_sweep_skips_jobs_of_a_newer_version_and_enqueues_the_others() -> None:
    """They count in the gauges of overdue jobs, and are logged."""
    world = World()
    theirs, ours = world.arrives("a.jpg"), world.arrives("b.jpg")
    assert theirs.due_at is not None
    assert ours.due_at is not None
    world.jobs.newer[theirs.id] = theirs.due_at
    world.clock.advance_to(max(theirs.due_at, ours.due_at) + MINUTE)
    world.telemetry.counts.clear()
    assert world.sweep.sweep() == 1
    assert [check.job_id for check in world.callbacks.checks] == [ours.id]
    assert world.telemetry.counts[Metric.JOBS_DUE] == 2
    late = (world.clock.now() - theirs.due_at).total_seconds()
    assert world.telemetry.counts[Metric.OLDEST_DUE_SECONDS] == late
    assert ("job of a newer version left alone", {"job_id": theirs.id}) in world.telemetry.facts


def test_a_job_of_a_newer_version_does_not_block_the_waiting_jobs() -> None:
    """A worker that frees a slot enqueues the next job."""
    world = World()
    inside = [world.arrives(f"{number}.jpg") for number in range(LIMITS.max_in_flight)]
    theirs, ours = world.arrives("theirs.jpg"), world.arrives("ours.jpg")
    assert theirs.is_waiting
    assert ours.is_waiting
    world.jobs.newer[theirs.id] = world.clock.now()
    world.evolink.complete(world.task_of(inside[0]))
    world.check_task(inside[0])
    world.submit.advance(world.job(inside[0]))
    assert world.job(ours).state is State.PROCESSING


def test_a_job_waits_for_an_owner_that_a_newer_version_wrote() -> None:
    """The owner may have paid; other jobs with the same photo wait until it can be read again."""
    world = deduplicating()
    theirs = world.arrives("theirs.jpg")
    world.jobs.newer[theirs.id] = world.clock.now()
    ours = world.arrives("ours.jpg")
    assert (ours.state, ours.reason) == (State.QUEUED, Reason.SAME_PICTURE)
    assert len(world.evolink.posts) == 1


def test_as_many_jobs_of_a_newer_version_as_slots_do_not_block_the_waiting_jobs() -> None:
    """A freed slot and a sweep enqueue only jobs that this version can move."""
    world = World()
    inside = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(LIMITS.max_in_flight)]
    theirs = [world.arrives(f"t{n}.jpg", png(salt=10 + n)) for n in range(LIMITS.max_in_flight)]
    ours = world.arrives("ours.jpg", png(salt=50))
    assert all(job.is_waiting for job in (*theirs, ours))
    world.submissions.job_ids.clear()
    for job in theirs:
        world.jobs.newer[job.id] = world.clock.now() + timedelta(days=999)
    for job in inside:
        world.evolink.complete(world.task_of(job))
        world.check_task(job)
        deliver(world)
    assert world.job(ours).state is State.PROCESSING
    later = world.arrives("later.jpg", png(salt=51))
    deliver(world)
    assert world.job(later).state is State.PROCESSING


def test_a_due_job_of_a_newer_version_is_checked_as_seldom_as_others() -> None:
    """A thousand of them, due in every sweep, would leave no room for other jobs."""
    world = World()
    theirs = world.arrives()
    assert theirs.due_at is not None
    world.clock.advance_to(theirs.due_at + MINUTE)
    world.jobs.newer[theirs.id] = theirs.due_at
    world.sweep.sweep()
    assert world.jobs.look_at[theirs.id] == world.clock.now() + world.timing.lease
