"""Deleting a photo deletes what was made of it, where that is set."""

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
from tests.support.hooks import Hook, WorkerDiedError

OPAQUE = b"png 600 400 255 255"


def removing(step: Step = no_step, recipes: tuple[Recipe, ...] = ()) -> World:
    """A world in which results go with their sources."""
    return World(delete_with_source=True, step=step, recipes=recipes)


def made(world: World, key: str = "a.jpg", result: bytes = CUT_OUT, salt: int = 0) -> Job:
    """A photo whose task ended with a result."""
    job = world.arrives(key, png(salt=salt))
    world.evolink.complete(world.task_of(job), result)
    return world.wake(job)


def deleted(world: World, key: str = "a.jpg") -> Removal:
    """The key is deleted, and StoreResult is told so."""
    world.arrive.deleted(world.uploads.remove(key))
    (removal,) = world.callbacks.removals
    return removal


def test_the_cut_out_goes_with_its_source() -> None:
    """And nothing else does."""
    world = removing()
    made(world)
    made(world, "b.jpg")
    world.removing.remove(deleted(world))
    assert list(world.results.objects) == ["b.png"]


def test_what_is_kept_for_review_goes_too() -> None:
    """It shows the photo as well."""
    world = removing()
    made(world, result=OPAQUE)
    assert list(world.results.objects) == ["review/a.png"]
    world.removing.remove(deleted(world))
    assert world.results.objects == {}


def test_a_newer_upload_wins() -> None:
    """The key was uploaded again before the message was worked off."""
    world = removing()
    made(world)
    removal = deleted(world)
    newer = made(world, salt=1)
    world.removing.remove(removal)
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == newer.id


def test_it_may_be_done_twice() -> None:
    """A message that comes again finds nothing."""
    world = removing()
    made(world)
    removal = deleted(world)
    world.removing.remove(removal)
    world.removing.remove(removal)
    assert world.results.objects == {}


@pytest.mark.parametrize("step", ["results.current", "results.remove", "results.remove done"])
def test_a_removal_is_completed_after_a_worker_died_over_it(step: str) -> None:
    """The message comes again."""
    hook = Hook()
    world = removing(hook)
    made(world)
    removal = deleted(world)
    hook.die_at(step)
    with pytest.raises(WorkerDiedError):
        world.removing.remove(removal)
    world.removing.remove(removal)
    assert world.results.objects == {}


def test_a_source_whose_rows_have_expired_is_known_by_its_version() -> None:
    """Rows go after a while, cut-outs stay: their metadata says which upload they are made of."""
    world = removing()
    made(world)
    world.jobs.jobs.clear()
    world.removing.remove(deleted(world))
    assert world.results.objects == {}


def test_what_another_source_has_put_there_stays() -> None:
    """`a.jpg` and `a.png` want the same key; the second got another."""
    world = removing()
    made(world, "a.jpg")
    made(world, "a.png")
    world.removing.remove(deleted(world, "a.png"))
    assert list(world.results.objects) == ["a.png"]


def test_what_is_not_ours_stays() -> None:
    """Somebody put an object of their own where the cut-out was."""
    world = removing()
    made(world)
    stored = world.results.objects["a.png"]
    theirs = replace(stored, labels=Labels(metadata={}, tags={}))
    world.results.objects["a.png"] = theirs
    world.removing.remove(deleted(world))
    assert world.results.objects == {"a.png": theirs}


def test_a_version_that_is_removed_for_good_takes_its_own_cut_out_along() -> None:
    """An old version expires: the newer one's cut-out stays."""
    world = removing()
    older, newer = made(world), made(world, salt=1)
    for job in (older, newer):
        world.arrive.version_deleted(job.source)
    of_older, of_newer = world.callbacks.removals
    world.removing.remove(of_older)
    assert list(world.results.objects) == ["a.png"]
    world.removing.remove(of_newer)
    assert world.results.objects == {}


def test_a_result_that_is_stored_while_its_source_is_deleted_goes_after_all() -> None:
    """The deletion found nothing to remove; the function that settles the job looks again."""
    world = removing()
    job = made(world)
    world.arrive.deleted(world.uploads.remove("a.jpg"))
    world.callbacks.removals.clear()
    world.job_writer.reapply_effects(job)
    assert [(it.key, it.job_id) for it in world.callbacks.removals] == [("a.jpg", None)]


def test_a_job_that_is_completed_while_its_source_stands_asks_for_nothing() -> None:
    """The usual case."""
    world = removing()
    world.job_writer.reapply_effects(made(world))
    assert world.callbacks.removals == []


def test_results_outlive_their_sources_unless_it_is_wanted() -> None:
    """They were paid for."""
    world = World()
    assert made(world).state is State.COMPLETED
    world.arrive.deleted(world.uploads.remove("a.jpg"))
    assert world.callbacks.removals == []


def test_a_place_that_changes_all_the_time_is_left_for_later() -> None:
    """The message comes again."""
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
        world.removing.remove(removal)
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == job.id


def test_variants_go_too() -> None:
    """The row says where they are; each says by its metadata whose it is."""
    world = removing()
    job = made(world)
    stored = world.results.objects["a.png"]
    world.results.objects["web/a.webp"] = stored
    variant = Variant(recipe="web", format="webp", made_at=START, key="web/a.webp")
    failed = Variant(recipe="white", format="jpg", made_at=START, problem="no room")
    world.jobs.jobs[job.id] = replace(world.job(job), variants=(variant, failed))
    world.removing.remove(deleted(world))
    assert world.results.objects == {}


def test_a_variant_that_is_on_no_row_goes_too() -> None:
    """Its worker stored it and was overtaken; the worker that ended the job had made none."""
    world = removing(recipes=(Recipe(name="web"),))
    job = made(world)
    assert list(world.results.objects) == ["a.png", "a.web.png"]
    world.jobs.jobs[job.id] = replace(world.job(job), variants=(), result=None)
    world.removing.remove(deleted(world))
    assert world.results.objects == {}


def test_a_variant_that_is_made_again_while_its_photo_is_deleted_goes_too() -> None:
    """The function that makes a variant looks again after writing, as it does for a result."""
    hook = Hook()
    world = World(delete_with_source=True, recipes=(Recipe(name="web"),), step=hook)
    job = made(world)

    def deleted_and_removed() -> None:
        world.arrive.deleted(world.uploads.remove("a.jpg"))
        world.removing.remove(world.callbacks.removals.pop())

    hook.once_at("results.put", deleted_and_removed)
    world.render.render(RenderRequest(job_id=job.id, recipes=("web",)))
    assert list(world.results.objects) == ["a.web.png"]
    world.removing.remove(world.callbacks.removals.pop())
    assert world.results.objects == {}


@pytest.mark.parametrize("are_rows_gone", [False, True])
def test_what_waits_for_review_in_the_second_place_goes_too(
    are_rows_gone: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The first was taken by a photo in a folder of that name, which stays; rows may expire."""
    world = removing()
    made(world, "review/a.jpg", salt=1)
    job = made(world, "a.jpg", result=OPAQUE)
    assert job.state is State.REVIEW
    if are_rows_gone:
        world.jobs.jobs.clear()
    world.removing.remove(deleted(world, "a.jpg"))
    assert list(world.results.objects) == ["review/a.png"]
