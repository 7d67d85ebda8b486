"""Deleting a photo deletes the model's result that was bought for it, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import Removal
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import World
from tests.support.hooks import Hook, WorkerDiedError


def removing(hook: Hook | None = None) -> World:
    """Pictures are bought once, and results go with their sources."""
    if hook is None:
        return World(reuse=True, delete_with_source=True)
    return World(reuse=True, delete_with_source=True, step=hook)


def bought(world: World, key: str = "a.jpg") -> Job:
    """A photo whose picture was paid for."""
    job = world.arrives(key)
    world.evolink.complete(world.task_of(job), CUT_OUT)
    return world.wake(job)


def deleted(world: World, key: str = "a.jpg") -> Removal:
    """The key is deleted, and StoreResult is told so."""
    world.arrive.deleted(world.uploads.remove(key))
    return world.callbacks.removals.pop()


def test_the_kept_result_goes_and_the_same_picture_is_bought_when_it_comes_again() -> None:
    """The picture's item still names it: the next job of the picture finds it gone, and buys."""
    world = removing()
    bought(world)
    world.removing.remove(deleted(world))
    assert world.kept.objects == {}
    again = world.arrives("b.jpg")
    world.settles()
    again = world.job(again)
    assert (again.state, again.reused) == (State.PROCESSING, None)
    world.evolink.complete(world.task_of(again), CUT_OUT)
    assert world.wake(again).state is State.COMPLETED
    assert len(world.evolink.charges) == 2


def test_it_stays_when_a_photo_is_deleted_that_only_used_it() -> None:
    """It was bought for another, which is still there."""
    world = removing()
    bought(world)
    world.arrives("b.jpg")
    world.settles()
    world.removing.remove(deleted(world, "b.jpg"))
    assert (len(world.kept.objects), list(world.results.objects)) == (1, ["a.png"])


def test_a_version_that_is_removed_for_good_takes_what_was_bought_for_it_alone() -> None:
    """The newer version has used it."""
    world = removing()
    older = bought(world)
    newer = world.arrives()
    world.settles()
    for job, left in ((newer, 1), (older, 0)):
        world.arrive.version_deleted(job.source)
        world.removing.remove(world.callbacks.removals.pop())
        assert len(world.kept.objects) == left


def test_a_result_that_was_bought_again_meanwhile_stays(tmp_path: Path) -> None:
    """It stands there before the picture's item says whose it is."""
    hook = Hook()
    world = removing(hook)
    bought(world)
    (key,) = world.kept.objects
    file = tmp_path / "bought-again"
    file.write_bytes(b"png 600 400 0 255 again")
    removal = deleted(world)

    def buy_again() -> None:
        world.kept.put(key, file, replacing=world.kept.etags[key])

    hook.once_at("kept.remove", buy_again)
    world.removing.remove(removal)
    assert world.kept.objects == {key: file.read_bytes()}


def test_a_place_that_changes_all_the_time_is_left_for_later() -> None:
    """The message comes again."""
    hook = Hook()
    world = removing(hook)
    bought(world)
    (key,) = world.kept.objects
    removal = deleted(world)

    def rewritten() -> None:
        hook.once_at("kept.remove", rewritten)
        world.kept.etags[key] += "x"

    hook.once_at("kept.remove", rewritten)
    with pytest.raises(TransientError):
        world.removing.remove(removal)
    assert list(world.kept.objects) == [key]


@pytest.mark.parametrize("step", ["kept.current", "kept.remove", "kept.remove done"])
def test_a_removal_is_completed_after_a_worker_died_over_it(step: str) -> None:
    """The message comes again."""
    hook = Hook()
    world = removing(hook)
    bought(world)
    removal = deleted(world)
    hook.die_at(step)
    with pytest.raises(WorkerDiedError):
        world.removing.remove(removal)
    world.removing.remove(removal)
    assert (world.kept.objects, world.results.objects) == ({}, {})


def test_what_is_kept_after_its_source_was_deleted_goes_after_all() -> None:
    """The deletion found nothing to remove; the result was paid for, so it came home and was kept.

    The worker that settles the job asks for its removal once more.
    """
    world = removing()
    job = world.arrives()
    world.removing.remove(deleted(world))
    world.evolink.complete(world.task_of(job), CUT_OUT)
    settled = world.wake(job)
    assert (settled.state, settled.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert len(world.kept.objects) == 1
    (removal,) = world.callbacks.removals
    world.removing.remove(removal)
    assert world.kept.objects == {}


def test_what_is_kept_outlives_its_source_unless_it_is_wanted() -> None:
    """It was paid for, and the same picture may come again."""
    world = World(reuse=True)
    bought(world)
    world.arrive.deleted(world.uploads.remove("a.jpg"))
    assert (world.callbacks.removals, len(world.kept.objects)) == ([], 1)
