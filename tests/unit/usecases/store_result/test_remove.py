"""Deleting a photo deletes its results, if the setting is on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.messages.queue_messages import Removal, RenderRequest
from cutout.domain.recipes import Recipe
from cutout.domain.states import State
from cutout.ports.buckets import Labels
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.steps import Step, no_step
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook, WorkerCrashedError

OPAQUE = b"png 600 400 255 255"


def removing(step: Step = no_step, recipes: tuple[Recipe, ...] = ()) -> World:
    """A world in which results are deleted with their photos."""
    return World(delete_with_source=True, step=step, recipes=recipes)


def made(world: World, key: str = "a.jpg", result: bytes = CUT_OUT, salt: int = 0) -> Job:
    """A job whose task ended with this result."""
    job = world.arrives(key, png(salt=salt))
    world.evolink.complete(world.task_of(job), result)
    return world.check_task(job)


def deleted(world: World, key: str = "a.jpg") -> Removal:
    """Delete the key; returns the message for StoreResult."""
    world.register_upload.deleted(world.uploads.remove(key))
    (removal,) = world.callbacks.removals
    return removal


def test_the_cut_out_of_a_deleted_photo_is_removed() -> None:
    """And no other object."""
    world = removing()
    made(world)
    made(world, "b.jpg")
    world.remove_results.remove(deleted(world))
    assert list(world.results.objects) == ["b.png"]


def test_a_result_kept_for_review_is_removed_too() -> None:
    """It shows the photo as well."""
    world = removing()
    made(world, result=OPAQUE)
    assert list(world.results.objects) == ["review/a.png"]
    world.remove_results.remove(deleted(world))
    assert world.results.objects == {}


def test_the_cut_out_of_a_newer_upload_stays() -> None:
    """The key was uploaded again before the message was processed."""
    world = removing()
    made(world)
    removal = deleted(world)
    newer = made(world, salt=1)
    world.remove_results.remove(removal)
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == newer.id


def test_what_a_deleted_photo_left_is_removed_though_a_newer_upload_is_there() -> None:
    """The newer upload is no photo that is back."""
    world = removing()
    made(world, result=OPAQUE)
    removal = deleted(world)
    made(world, salt=1)
    assert sorted(world.results.objects) == ["a.png", "review/a.png"]
    world.remove_results.remove(removal)
    assert list(world.results.objects) == ["a.png"]


def test_a_removal_may_be_repeated() -> None:
    """A redelivered message finds nothing."""
    world = removing()
    made(world)
    removal = deleted(world)
    world.remove_results.remove(removal)
    world.remove_results.remove(removal)
    assert world.results.objects == {}


@pytest.mark.parametrize("step", ["results.current", "results.remove", "results.remove done"])
def test_a_removal_is_completed_after_a_crash(step: str) -> None:
    """The message is redelivered."""
    hook = Hook()
    world = removing(hook)
    made(world)
    removal = deleted(world)
    hook.crash_at(step)
    with pytest.raises(WorkerCrashedError):
        world.remove_results.remove(removal)
    world.remove_results.remove(removal)
    assert world.results.objects == {}


def test_the_result_of_an_expired_job_is_recognised_by_its_source_version() -> None:
    """Jobs expire and cut-outs do not: their metadata names the upload they were made of."""
    world = removing(recipes=(Recipe(name="web"),))
    made(world)
    assert sorted(world.results.objects) == ["a.png", "a.web.png"]
    world.jobs.jobs.clear()
    world.remove_results.remove(deleted(world))
    assert world.results.objects == {}


def test_the_result_of_another_photo_at_the_first_key_stays() -> None:
    """`a.jpg` and `a.png` have the same first result key; the second got another."""
    world = removing()
    made(world, "a.jpg")
    made(world, "a.png")
    world.remove_results.remove(deleted(world, "a.png"))
    assert list(world.results.objects) == ["a.png"]


def test_a_foreign_object_at_the_result_key_stays() -> None:
    """It was not written by this product."""
    world = removing()
    made(world)
    stored = world.results.objects["a.png"]
    theirs = replace(stored, labels=Labels(metadata={}, tags={}))
    world.results.objects["a.png"] = theirs
    world.remove_results.remove(deleted(world))
    assert world.results.objects == {"a.png": theirs}


def test_deleting_a_version_removes_only_its_own_cut_out() -> None:
    """When an old version expires, the newer one's cut-out stays."""
    world = removing()
    older, newer = made(world), made(world, salt=1)
    for job in (older, newer):
        world.register_upload.version_deleted(job.source)
    of_older, of_newer = world.callbacks.removals
    world.remove_results.remove(of_older)
    assert list(world.results.objects) == ["a.png"]
    world.remove_results.remove(of_newer)
    assert world.results.objects == {}


def test_a_result_stored_while_its_photo_is_deleted_is_removed() -> None:
    """The deletion found nothing to remove; the worker that settles the job checks again."""
    world = removing()
    job = made(world)
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    world.callbacks.removals.clear()
    world.job_writer.reapply_effects(job)
    assert [(it.key, it.job_id) for it in world.callbacks.removals] == [("a.jpg", None)]


def test_a_completed_job_whose_photo_exists_requests_no_removal() -> None:
    """The usual case."""
    world = removing()
    world.job_writer.reapply_effects(made(world))
    assert world.callbacks.removals == []


@pytest.mark.parametrize("is_removed_before", [True, False])
def test_a_photo_that_was_deleted_and_restored_while_its_task_ran_keeps_its_cut_out(
    is_removed_before: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Its delete marker was deleted: the bucket shows the photo, the table its deletion."""
    world = removing()
    job = world.arrives()
    removal = deleted(world)
    if is_removed_before:
        world.remove_results.remove(removal)
    world.uploads.restore("a.jpg")
    world.evolink.complete(world.task_of(job), CUT_OUT)
    assert world.check_task(job).state is State.COMPLETED
    for message in {removal, *world.callbacks.removals}:
        world.remove_results.remove(message)
    assert list(world.results.objects) == ["a.png"]


def test_a_photo_that_is_back_below_a_destroyed_version_keeps_its_cut_out() -> None:
    """The delete marker and the newer version were deleted: what those left is removed alone."""
    world = removing()
    job = world.arrives()
    newer = made(world, salt=1)
    removal = deleted(world)
    world.uploads.restore("a.jpg")
    world.uploads.destroy(newer.source)
    world.register_upload.version_deleted(newer.source)
    world.remove_results.remove(world.callbacks.removals.pop())
    assert world.results.objects == {}
    world.evolink.complete(world.task_of(job), CUT_OUT)
    assert world.check_task(job).state is State.COMPLETED
    world.remove_results.remove(removal)
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == job.id


def test_a_removal_reads_the_key_once_however_many_uploads_it_had() -> None:
    """A key may have hundreds of versions."""
    steps: list[str] = []
    world = removing(steps.append)
    for salt in range(3):
        made(world, salt=salt)
    removal = deleted(world)
    steps.clear()
    world.remove_results.remove(removal)
    assert [step for step in steps if step.startswith("uploads.")] == ["uploads.version_shown"]


def test_results_outlive_their_photos_with_the_setting_off() -> None:
    """They were paid for."""
    world = World()
    assert made(world).state is State.COMPLETED
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    assert world.callbacks.removals == []


def test_an_object_that_changes_all_the_time_is_left_to_a_redelivery() -> None:
    """The message is redelivered."""
    hook = Hook()
    world = removing(hook)
    job = made(world)
    removal = deleted(world)

    def rewritten() -> None:
        hook.once_at("results.remove", rewritten)
        stored = world.results.objects["a.png"]
        world.results.objects["a.png"] = replace(stored, etag=stored.etag + "x")

    hook.once_at("results.remove", rewritten)
    with pytest.raises(TransientError):
        world.remove_results.remove(removal)
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == job.id


def test_variants_are_removed_too() -> None:
    """The job records their keys, and each has its job in its metadata."""
    world = removing()
    job = made(world)
    stored = world.results.objects["a.png"]
    world.results.objects["web/a.webp"] = stored
    variant = Variant(recipe="web", format="webp", made_at=START, key="web/a.webp")
    failed = Variant(recipe="white", format="jpg", made_at=START, problem="no room")
    world.jobs.jobs[job.id] = replace(world.job(job), variants=(variant, failed))
    world.remove_results.remove(deleted(world))
    assert world.results.objects == {}


def test_a_variant_recorded_in_no_job_is_removed_too() -> None:
    """Its worker stored it and was overtaken by a worker that made none."""
    world = removing(recipes=(Recipe(name="web"),))
    job = made(world)
    assert list(world.results.objects) == ["a.png", "a.web.png"]
    world.jobs.jobs[job.id] = replace(world.job(job), variants=(), result=None)
    world.remove_results.remove(deleted(world))
    assert world.results.objects == {}


def test_a_variant_made_while_its_photo_is_deleted_is_removed() -> None:
    """The worker checks again after writing it, as it does for a result."""
    hook = Hook()
    world = World(delete_with_source=True, recipes=(Recipe(name="web"),), step=hook)
    job = made(world)

    def deleted_and_removed() -> None:
        world.register_upload.deleted(world.uploads.remove("a.jpg"))
        world.remove_results.remove(world.callbacks.removals.pop())

    hook.once_at("results.put", deleted_and_removed)
    world.render.render(RenderRequest(job_id=job.id, recipes=("web",)))
    assert list(world.results.objects) == ["a.web.png"]
    world.remove_results.remove(world.callbacks.removals.pop())
    assert world.results.objects == {}


@pytest.mark.parametrize("are_rows_gone", [False, True])
def test_a_result_at_the_second_review_key_is_removed_too(
    are_rows_gone: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The first belongs to a photo in a folder named `review`, and stays; jobs may expire."""
    world = removing()
    made(world, "review/a.jpg", salt=1)
    job = made(world, "a.jpg", result=OPAQUE)
    assert job.state is State.REVIEW
    if are_rows_gone:
        world.jobs.jobs.clear()
    world.remove_results.remove(deleted(world, "a.jpg"))
    assert list(world.results.objects) == ["review/a.png"]
