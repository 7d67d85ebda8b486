"""`<key>.error.json` where workers die, stall or meet: what the row says stands in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cutout.domain.states import State
from cutout.ports.jobs_table import JobMovedError
from cutout.usecases.shared.notes_and_tags import occasion_of
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.world import World
from tests.support.hooks import Hook, WorkerDiedError
from tests.support.noting import MINUTE, NOTE, TEXT, completed, failed, retried, said


def test_a_deletion_that_comes_while_it_is_being_said_takes_it_back() -> None:
    """The deletion found no note yet; the function that writes it looks again."""
    hook = Hook()
    world = World(step=hook)
    hook.once_at("notes.write", lambda: world.arrive.deleted(world.uploads.remove("a.jpg")))
    world.arrives(data=TEXT)
    assert (world.notes.written, world.notes.stored) == ([NOTE], {})


def test_a_worker_that_was_overtaken_takes_back_what_it_said() -> None:
    """It stalls before it writes; another says it, a person retries, and the retry completes."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()

    def others() -> None:
        world.job_writer.announce(world.job(job))
        completed(world, retried(world, job))

    hook.once_at("notes.write", others)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    world.wake(job)
    assert world.job(job).state is State.COMPLETED
    assert world.notes.stored == {}


def test_a_worker_that_was_overtaken_takes_that_back_before_it_does_anything_else() -> None:
    """A message that was delivered twice and deleted once does not come again when it dies."""
    hook = Hook()
    world = World(step=hook, tag_sources=True)
    job = world.arrives()

    def others() -> None:
        world.job_writer.announce(world.job(job))
        completed(world, retried(world, job))
        hook.die_at("announcements.announce")

    hook.once_at("notes.write", others)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    with pytest.raises(WorkerDiedError):
        world.wake(job)
    assert (world.job(job).state, world.notes.stored) == (State.COMPLETED, {})
    assert world.uploads.labels(job.source).tags["cutout"] == "completed"


def test_a_worker_that_died_after_it_was_overtaken_is_made_up_for() -> None:
    """Its message comes again, and finds a row that says otherwise."""
    world = World()
    job = failed(world)
    note = world.notes.stored[NOTE]
    completed(world, retried(world, job))
    world.notes.stored[NOTE] = note
    world.wake(job, attempt=1)
    assert world.notes.stored == {}


def test_the_same_is_said_once() -> None:
    """Repeating the effects of a job writes no second note."""
    world = World()
    job = failed(world)
    world.job_writer.reapply_effects(world.job(job))
    assert world.notes.written == [NOTE]


@pytest.mark.parametrize("times", [1, 2])
def test_a_place_that_others_write_is_looked_at_again(times: int) -> None:
    """A lost condition is no error; what they wrote decides."""
    hook = Hook()
    world = World(step=hook)
    job = failed(World())
    older = replace(job, version=job.version - 1)

    def another(left: int) -> None:
        hook.once_at("notes.write", lambda: another(left - 1) if left else None)
        standing = world.notes.current(NOTE)
        world.notes.write(
            NOTE,
            "{}",
            job_id=job.id,
            occasion=occasion_of(older),
            replacing=standing,
        )

    hook.once_at("notes.write", lambda: another(times - 1))
    world.settlement_effects.apply(job)
    assert said(world)["job"] == job.id


def test_a_worker_whose_write_is_refused_gets_the_error() -> None:
    """Taking back what was said does not hide that another worker moved the job."""
    world = World()
    job = failed(world)
    stale = replace(world.job(job), is_announced=False, version=0)
    with pytest.raises(JobMovedError):
        world.job_writer.announce(stale)


class TwoClocks(FakeClock):
    """The clock of a worker that may be ahead of the others'."""

    bounded_map = timedelta(0)

    def now(self) -> datetime:
        """The time of the worker that looks."""
        return super().now() + self.bounded_map


def test_what_a_fast_clock_said_is_taken_back_when_the_photo_is_done() -> None:
    """Notes are ordered by the writes of the row, whatever its workers' clocks say."""
    clock = TwoClocks()
    world = World(clock=clock)
    clock.bounded_map = 5 * MINUTE
    job = failed(world)
    assert NOTE in world.notes.stored
    clock.bounded_map = timedelta(0)
    completed(world, retried(world, job))
    assert world.notes.stored == {}


def test_what_a_fast_clock_said_gives_way_to_what_came_later() -> None:
    """The note names the reason that stands."""
    clock = TwoClocks()
    world = World(clock=clock)
    clock.bounded_map = 5 * MINUTE
    job = failed(world)
    clock.bounded_map = timedelta(0)
    retried(world, job)
    world.evolink.fail(world.task_of(job), "image_too_dark")
    world.wake(job)
    assert said(world)["code"] == "image_too_dark"
