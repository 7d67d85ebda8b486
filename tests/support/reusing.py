"""A world in which a picture is bought once, and what the tests about that do in it."""

from __future__ import annotations

from cutout.domain.job.job import Job
from cutout.domain.object_keys import BYPASS_CACHE_MARK
from cutout.ports.buckets import Labels
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook


def reusing(hook: Hook | None = None) -> World:
    """A world in which a picture is bought once."""
    return World(reuse=True, step=hook) if hook else World(reuse=True)


def finish(world: World, job: Job, result: bytes = CUT_OUT) -> Job:
    """The job's task ends with this result, its callback comes, and all are woken who shall be."""
    world.evolink.complete(world.task_of(job), result)
    world.wake(job)
    world.settles()
    return world.job(job)


def bought(world: World, key: str = "a.jpg") -> Job:
    """A photo whose picture was paid for."""
    return finish(world, world.arrives(key))


def settled(world: World, job: Job) -> Job:
    """The job once everything that is in the queues was delivered."""
    world.settles()
    return world.job(job)


def arrives_fresh(world: World, key: str = "b.jpg") -> Job:
    """An upload that asks for a new purchase."""
    labels = Labels(metadata={BYPASS_CACHE_MARK: "true"}, tags={})
    job = world.registered(world.uploads.add(key, png(), labels))
    assert job is not None
    return world.advance(job)


def kept_at(world: World) -> str:
    """Where the one result is kept."""
    (key,) = world.kept.objects
    return key


def cached_result(world: World) -> bytes:
    """The result that the one record names."""
    (record,) = world.bought.items.values()
    assert record.kept is not None
    return world.kept.objects[record.kept.key]
