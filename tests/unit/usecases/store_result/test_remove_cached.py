"""Deleting a photo also deletes the cached result that was paid for it."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import Removal
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.deduplicating import finish, upload_bypassing_cache
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook, WorkerCrashedError


def removing(hook: Hook | None = None) -> World:
    """A world with reuse on, in which results are deleted with their photos."""
    if hook is None:
        return World(reuse=True, delete_with_source=True)
    return World(reuse=True, delete_with_source=True, step=hook)


def paid(world: World, key: str = "a.jpg") -> Job:
    """A completed job that was paid for."""
    job = world.arrives(key)
    world.evolink.complete(world.task_of(job), CUT_OUT)
    return world.check_task(job)


def deleted(world: World, key: str = "a.jpg") -> Removal:
    """Delete the key; returns the message for StoreResult."""
    world.register_upload.deleted(world.uploads.remove(key))
    return world.callbacks.removals.pop()


def test_the_cached_result_is_removed_and_the_same_photo_is_paid_for_again() -> None:
    """The record still names the result: the next job with the photo finds it missing, and pays."""
    world = removing()
    paid(world)
    world.remove_results.remove(deleted(world))
    assert world.cached_results.objects == {}
    again = world.arrives("b.jpg")
    world.deliver_all()
    again = world.job(again)
    assert (again.state, again.reused) == (State.PROCESSING, None)
    world.evolink.complete(world.task_of(again), CUT_OUT)
    assert world.check_task(again).state is State.COMPLETED
    assert len(world.evolink.charges) == 2


def test_the_cached_result_stays_when_a_photo_that_reused_it_is_deleted() -> None:
    """It was paid for another photo, which still exists."""
    world = removing()
    paid(world)
    world.arrives("b.jpg")
    world.deliver_all()
    world.remove_results.remove(deleted(world, "b.jpg"))
    assert (len(world.cached_results.objects), list(world.results.objects)) == (1, ["a.png"])


def test_deleting_a_version_removes_only_the_cached_result_paid_for_it() -> None:
    """The newer version has reused it."""
    world = removing()
    older = paid(world)
    newer = world.arrives()
    world.deliver_all()
    for job, left in ((newer, 1), (older, 0)):
        world.register_upload.version_deleted(job.source)
        world.remove_results.remove(world.callbacks.removals.pop())
        assert len(world.cached_results.objects) == left


def test_the_cached_result_of_an_overwritten_photo_stays_in_a_bucket_without_versions() -> None:
    """Its bytes are gone from the key, as after a deletion; but nobody has deleted the photo."""
    uploads = MemoryUploads(is_versioned=False)
    world = World(reuse=True, delete_with_source=True, uploads=uploads)
    job = world.arrives()
    uploads.add("a.jpg", png(salt=1))
    job = finish(world, job)
    assert (job.state, job.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert world.callbacks.removals == []
    again = world.arrives("b.jpg")
    world.deliver_all()
    assert (world.job(again).state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_the_result_of_another_call_for_the_same_photo_stays() -> None:
    """Each deletion removes what was paid for its own photo."""
    world = removing()
    paid(world)
    fresh = upload_bypassing_cache(world)
    finish(world, fresh)
    assert len(world.cached_results.objects) == 2
    world.remove_results.remove(deleted(world))
    (left,) = world.cached_results.objects
    assert fresh.id in left
    world.remove_results.remove(deleted(world, "b.jpg"))
    assert world.cached_results.objects == {}


@pytest.mark.parametrize("step", ["kept.remove", "kept.remove done"])
def test_a_removal_is_completed_after_a_crash(step: str) -> None:
    """The message is redelivered."""
    hook = Hook()
    world = removing(hook)
    paid(world)
    removal = deleted(world)
    hook.crash_at(step)
    with pytest.raises(WorkerCrashedError):
        world.remove_results.remove(removal)
    world.remove_results.remove(removal)
    assert (world.cached_results.objects, world.results.objects) == ({}, {})


def test_a_result_cached_after_its_photo_was_deleted_is_removed() -> None:
    """The deletion found nothing to remove, and the paid result was cached afterwards.

    The worker that settles the job requests the removal again.
    """
    world = removing()
    job = world.arrives()
    world.remove_results.remove(deleted(world))
    world.evolink.complete(world.task_of(job), CUT_OUT)
    settled = world.check_task(job)
    assert (settled.state, settled.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert len(world.cached_results.objects) == 1
    (removal,) = world.callbacks.removals
    world.remove_results.remove(removal)
    assert world.cached_results.objects == {}


def test_a_result_cached_after_its_version_was_deleted_permanently_is_removed() -> None:
    """No event of the key says so: the upload is still its newest one."""
    world = removing()
    job = world.arrives()
    world.uploads.destroy(job.source)
    world.register_upload.version_deleted(job.source)
    world.remove_results.remove(world.callbacks.removals.pop())
    world.evolink.complete(world.task_of(job), CUT_OUT)
    settled = world.check_task(job)
    assert (settled.state, settled.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert len(world.cached_results.objects) == 1
    (removal,) = world.callbacks.removals
    world.remove_results.remove(removal)
    assert world.cached_results.objects == {}


def test_cached_results_outlive_their_photos_with_the_setting_off() -> None:
    """They were paid for, and the same photo may be uploaded again."""
    world = World(reuse=True)
    paid(world)
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    assert (world.callbacks.removals, len(world.cached_results.objects)) == ([], 1)
