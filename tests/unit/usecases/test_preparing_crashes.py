"""Workers that die over a copy, and workers that meet over one: nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.errors import JobMovedError
from cutout.ports.telemetry import Metric
from cutout.states import Move, Reason, State
from tests.fakes.copier import tiff
from tests.fakes.world import TIMING, World
from tests.unit.usecases.hooks import Hook, WorkerDiedError

MINUTE = timedelta(minutes=1)


def test_a_picture_that_ends_its_worker_is_given_up_after_five() -> None:
    """It takes the process with it each time: memory, a decoder's fault, the time-out."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    for _ in range(5):
        hook.die_at("copier.copy")
        with pytest.raises(WorkerDiedError):
            world.prepare.prepare(world.job(job))
    world.prepare.prepare(world.job(job))
    world.settles()
    given_up = world.job(job)
    assert (given_up.state, given_up.reason) == (State.REJECTED, Reason.CANNOT_BE_PREPARED)
    assert given_up.message == "it could not be decoded: 5 workers ended over it"
    assert hook.seen.count("copier.copy") == 5


def test_two_workers_that_begin_at_once_count_as_two() -> None:
    """A picture that ends both of them must not get more of them than five."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())

    def begins_too() -> None:
        hook.die_at("copier.copy")
        with pytest.raises(WorkerDiedError):
            world.prepare.prepare(world.job(job))
        hook.die_at("copier.copy")

    hook.once_at("jobs.save", begins_too)
    with pytest.raises(WorkerDiedError):
        world.prepare.prepare(world.job(job))
    assert world.job(job).preparations == 2


def test_a_person_may_have_it_tried_again() -> None:
    """From the beginning."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    world.jobs.save(replace(job, preparations=5))
    world.settles()
    assert world.job(job).state is State.REJECTED
    world.operate.retry(world.job(job))
    world.settles()
    assert world.job(job).state is State.PROCESSING


def test_trouble_with_storage_is_not_the_pictures_fault() -> None:
    """A photo that cannot be fetched is not counted as one that ends its workers."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    for _ in range(9):
        hook.die_at("uploads.fetch")
        with pytest.raises(WorkerDiedError):
            world.prepare.prepare(world.job(job))
    world.settles()
    assert world.job(job).state is State.PROCESSING


def test_a_message_that_comes_twice_makes_one_copy() -> None:
    """The second finds the job gone on."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.preparations.job_ids *= 2
    world.settles()
    assert world.telemetry.counts[Metric.PREPARED] == 1
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 1)


def test_two_workers_at_one_photo_lose_nothing() -> None:
    """The second begins while the first is at it: whoever ends first is heard."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())

    def begins_too() -> None:
        hook.once_at("copier.copy", ends_first)
        world.prepare.prepare(world.job(job))

    def ends_first() -> None:
        """The second has begun; the first goes on from here, on a row that was written since."""

    hook.once_at("copies.put", begins_too)
    done = world.prepare.prepare(world.job(job))
    assert done.prepared is not None
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 1)


def test_a_row_that_is_written_while_the_copy_is_made_does_not_lose_it() -> None:
    """Submit asked again meanwhile; the copy is as good as before."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    world.clock.advance(TIMING.lease)
    hook.once_at("copies.put", lambda: world.submit.advance(world.job(job)))
    done = world.prepare.prepare(world.job(job))
    assert (done.prepared is not None, done.reason) == (True, None)
    assert world.telemetry.counts[Metric.PREPARED] == 1


def test_a_job_that_was_settled_while_its_copy_was_made_stays_settled() -> None:
    """A newer upload came in between."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())

    def supersede() -> None:
        standing = world.job(job)
        settled = standing.settle(
            Move.SUPERSEDE,
            now=world.clock.now(),
            retention=TIMING.retention,
            reason=Reason.NEWER_UPLOAD,
        )
        world.jobs.save(settled)

    hook.once_at("copies.put", supersede)
    assert world.prepare.prepare(world.job(job)).state is State.SUPERSEDED
    assert world.submissions.job_ids == []


def test_an_answer_that_was_lost_is_made_up_for_by_sweep() -> None:
    """The row was written, and nobody was woken: it is due."""
    world = World()
    job = world.arrives("a.tif", tiff())
    answers = iter([False, True])
    world.jobs.loses_answer = lambda: next(answers, False)
    done = world.prepare.prepare(world.job(job))
    assert (done.prepared is not None, world.submissions.job_ids) == (True, [])
    world.preparations.job_ids.clear()
    world.passes(3 * MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_a_row_that_is_gone_stops_the_worker() -> None:
    """It expired, or somebody removed it: there is nobody to hand the copy to."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    hook.once_at("copies.put", world.jobs.jobs.clear)
    assert world.prepare.prepare(world.job(job)).prepared is None
    with pytest.raises(JobMovedError):
        world.jobs.save(job)
