"""`<key>.error.json` when workers crash, stall or compete: the final note matches the job."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.states import State
from cutout.ports.jobs_table import JobMovedError
from cutout.usecases.shared.notes_and_tags import occasion_of
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook, WorkerCrashedError
from tests.support.noting import MINUTE, NOTE, TEXT, completed, failed, retried, said


def test_a_deletion_during_the_write_of_a_note_removes_it() -> None:
    """The deletion found no note yet; the worker that wrote it checks again."""
    hook = Hook()
    world = World(step=hook)
    hook.once_at(
        "notes.write", lambda: world.register_upload.deleted(world.uploads.remove("a.jpg"))
    )
    world.arrives(data=TEXT)
    assert (world.notes.written, world.notes.stored) == ([NOTE], {})


def test_an_overtaken_worker_removes_the_note_it_wrote() -> None:
    """It stalls before it writes; meanwhile the job is announced, retried and completed."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()

    def others() -> None:
        world.job_writer.announce(world.job(job))
        completed(world, retried(world, job))

    hook.once_at("notes.write", others)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    world.check_task(job)
    assert world.job(job).state is State.COMPLETED
    assert world.notes.stored == {}


def test_an_overtaken_worker_removes_its_note_before_any_other_step() -> None:
    """Otherwise a crash right afterwards would leave the note: the message is already deleted."""
    hook = Hook()
    world = World(step=hook, tag_sources=True)
    job = world.arrives()

    def others() -> None:
        world.job_writer.announce(world.job(job))
        completed(world, retried(world, job))
        hook.crash_at("announcements.announce")

    hook.once_at("notes.write", others)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    with pytest.raises(WorkerCrashedError):
        world.check_task(job)
    assert (world.job(job).state, world.notes.stored) == (State.COMPLETED, {})
    assert world.uploads.labels(job.source).tags["cutout"] == "completed"


def destroyed(world: World, job: Job) -> None:
    """Destroy the version of a job that has failed."""
    world.uploads.destroy(job.source)
    world.register_upload.version_deleted(job.source)
    assert NOTE not in world.notes.stored


def test_a_late_worker_writes_no_note_about_a_destroyed_version() -> None:
    """A message of its job is delivered again, after the key's older photo is shown again."""
    world = World()
    world.arrives()
    gone = world.arrives(data=TEXT)
    destroyed(world, gone)
    world.job_writer.reapply_effects(gone)
    assert world.notes.written == [NOTE]
    assert world.notes.stored == {}


def test_a_late_worker_of_a_destroyed_version_leaves_the_note_of_the_older_one() -> None:
    """The newer photo was completed; it was destroyed, and the older one then failed."""
    world = World()
    older = world.arrives(data=TEXT)
    gone = world.arrives()
    completed(world, gone)
    world.uploads.destroy(gone.source)
    world.operate.retry(world.job(older))
    world.deliver_all()
    world.job_writer.reapply_effects(world.job(gone))
    assert said(world)["job"] == older.id


def test_the_note_of_a_destroyed_version_does_not_block_that_of_an_older_one() -> None:
    """The worker that wrote it again crashed before it noticed; the older photo then fails."""
    world = World()
    older = world.arrives()
    gone = world.arrives(data=TEXT)
    note = world.notes.stored[NOTE]
    destroyed(world, gone)
    world.notes.stored[NOTE] = note
    world.evolink.fail(world.task_of(older), "content_policy_violation")
    world.check_task(older)
    assert said(world)["job"] == older.id


def test_a_note_left_by_a_crashed_worker_is_removed_by_the_redelivery() -> None:
    """The redelivered message finds that the job is completed."""
    world = World()
    job = failed(world)
    note = world.notes.stored[NOTE]
    completed(world, retried(world, job))
    world.notes.stored[NOTE] = note
    world.check_task(job, attempt=1)
    assert world.notes.stored == {}


def test_applying_the_effects_of_a_job_again_writes_no_second_note() -> None:
    """The same note is already there."""
    world = World()
    job = failed(world)
    world.job_writer.reapply_effects(world.job(job))
    assert world.notes.written == [NOTE]


@pytest.mark.parametrize("times", [1, 2])
def test_a_note_that_loses_a_race_is_written_after_another_look(times: int) -> None:
    """The note that won the race belongs to an older version of the job."""
    hook = Hook()
    world = World(step=hook)
    world.uploads.add("a.jpg", png())
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


def test_a_worker_whose_job_was_moved_meanwhile_gets_the_error() -> None:
    """Removing its note does not hide the conflict."""
    world = World()
    job = failed(world)
    stale = replace(world.job(job), is_announced=False, version=0)
    with pytest.raises(JobMovedError):
        world.job_writer.announce(stale)


class TwoClocks(FakeClock):
    """A worker's clock that may be ahead of the others."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        """The time by the clock of the current worker."""
        return super().now() + self.ahead


def test_a_note_of_a_worker_with_a_fast_clock_is_removed_when_the_photo_completes() -> None:
    """Notes are ordered by the version of the job, not by clocks."""
    clock = TwoClocks()
    world = World(clock=clock)
    clock.ahead = 5 * MINUTE
    job = failed(world)
    assert NOTE in world.notes.stored
    clock.ahead = timedelta(0)
    completed(world, retried(world, job))
    assert world.notes.stored == {}


def test_a_note_of_a_worker_with_a_fast_clock_is_replaced_by_a_later_failure() -> None:
    """The note names the current reason."""
    clock = TwoClocks()
    world = World(clock=clock)
    clock.ahead = 5 * MINUTE
    job = failed(world)
    clock.ahead = timedelta(0)
    retried(world, job)
    world.evolink.fail(world.task_of(job), "image_too_dark")
    world.check_task(job)
    assert said(world)["code"] == "image_too_dark"


def test_a_note_that_a_killed_worker_wrote_after_its_job_was_superseded_is_removed() -> None:
    """A person has retried the job meanwhile, and the photo was deleted."""
    hook = Hook()
    world = World(step=hook)

    def retried_and_deleted() -> None:
        (job,) = world.jobs.jobs.values()
        world.operate.retry(job)
        world.register_upload.deleted(world.uploads.remove("a.jpg"))
        world.deliver_all()
        hook.crash_at("notes.write done")

    hook.once_at("notes.write", retried_and_deleted)
    with pytest.raises(WorkerCrashedError):
        world.arrives(data=TEXT)
    (job,) = world.jobs.jobs.values()
    assert (job.state, list(world.notes.stored)) == (State.SUPERSEDED, [NOTE])
    world.advance(job)
    assert world.notes.stored == {}
