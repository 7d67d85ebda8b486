"""A photo that kills each worker that checks it: its job ends."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import WorkerCrashedError

MINUTE = timedelta(minutes=1)
DELIVERIES = 5


class Deadly:
    """A step hook: so many workers are killed when they read a photo, and counted."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.killed = 0

    def __call__(self, name: str) -> None:
        """Called by the fakes at every step."""
        if name == "uploads.read" and self.killed < self.most:
            self.killed += 1
            raise WorkerCrashedError(name)


def uploaded(world: World) -> Job:
    """The job of a photo whose first worker is killed."""
    registered = world.register_upload.created(world.uploads.add("a.png", png()))
    assert registered is not None
    with suppress(WorkerCrashedError):
        world.submit.advance(registered.job)
    return world.job(registered.job)


def passes(world: World, delta: timedelta) -> None:
    """Let Sweep send the job; each message is delivered again until a worker survives it."""
    until = world.clock.now() + delta
    while world.clock.now() < until:
        world.clock.advance(5 * MINUTE)
        world.sweep.sweep()
        job_ids, world.submissions.job_ids = world.submissions.job_ids, []
        for job_id in job_ids * DELIVERIES:
            with suppress(WorkerCrashedError):
                world.submit.advance(world.jobs.jobs[job_id])


def test_a_photo_that_kills_each_worker_ends_failed_with_a_note() -> None:
    """The first check is not counted, and those within ten minutes are counted as one."""
    deadly = Deadly()
    world = World(step=deadly)
    job = uploaded(world)
    passes(world, timedelta(hours=2))
    ended = world.job(job)
    assert (ended.state, ended.reason, deadly.killed) == (State.FAILED, Reason.STEP_FAILED, 42)
    assert ended.message == (
        "each worker that checked the photo was killed: it takes too much memory or time"
    )
    assert list(world.notes.stored) == ["a.png.error.json"]
    assert [one.id for one in world.announcements.jobs] == [job.id]


def test_a_job_that_a_bulk_retry_lets_wait_is_counted_without_being_due() -> None:
    """It waits at the gate, and its photo was never read."""
    deadly = Deadly()
    world = World(step=deadly)
    job = uploaded(world)
    passes(world, timedelta(hours=2))
    world.operate.retry(world.job(job), is_one_of_many=True)
    passes(world, timedelta(hours=2))
    assert (world.job(job).state, deadly.killed) == (State.FAILED, 83)


@pytest.mark.parametrize("killed", [1, 41])
def test_a_photo_that_is_read_in_the_end_is_sent(killed: int) -> None:
    """The workers were killed by something else; what was counted is no longer so."""
    world = World(step=Deadly(killed))
    job = uploaded(world)
    passes(world, timedelta(hours=2))
    assert (world.job(job).state, world.job(job).cut_short) == (State.PROCESSING, 0)


def test_a_check_that_raises_is_not_counted_as_killed() -> None:
    """It counts as a failed step."""
    world = World()
    world.uploads.errors["a.png"] = ConnectionError("reset")
    job = uploaded(world)
    passes(world, 30 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.cut_short, failed.failures) == (State.QUEUED, 0, 2)


def test_a_busy_gate_after_the_check_is_not_counted_as_killed() -> None:
    """The photo has been checked by then, and is not checked again."""
    is_busy = False

    def busy(name: str) -> None:
        if is_busy and name == "gate.read":
            raise StoreBusyError("throttled")

    world = World(step=busy)
    job = world.registered(world.uploads.add("a.png", png()))
    assert job is not None
    world.clock.advance(TIMING.lease)
    is_busy = True
    for _ in range(10):
        with pytest.raises(StoreBusyError):
            world.submit.advance(world.job(job))
    waiting = world.job(job)
    assert (waiting.state, waiting.cut_short, waiting.photo is None) == (State.QUEUED, 0, False)
    is_busy = False
    world.submit.advance(waiting)
    assert world.job(job).state is State.PROCESSING


def test_a_busy_table_after_the_check_does_not_end_the_job() -> None:
    """The workers live, but cannot remove the count: checks that follow soon are counted as one."""
    world = World(step=Deadly(1))
    job = uploaded(world)
    world.clock.advance(TIMING.lease)
    save = world.jobs.save
    is_busy = True

    def busy(job: Job, **changes: Any) -> Job:
        if is_busy and job.photo is not None:
            raise StoreBusyError("throttled")
        return save(job, **changes)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.jobs, "save", busy)
        for _ in range(30):
            world.clock.advance(MINUTE)
            with pytest.raises(StoreBusyError):
                world.submit.advance(world.job(job))
        assert (world.job(job).state, world.job(job).cut_short) == (State.QUEUED, 3)
        is_busy = False
        world.submit.advance(world.job(job))
    assert (world.job(job).state, world.job(job).cut_short) == (State.PROCESSING, 0)
