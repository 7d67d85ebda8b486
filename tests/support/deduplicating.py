"""Tests of equal pictures: a world in which a picture is paid for once, and its steps."""

from __future__ import annotations

from cutout.domain.job.job import Job
from cutout.domain.object_keys import BYPASS_CACHE_MARK
from cutout.ports.buckets import Labels
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook


def deduplicating(hook: Hook | None = None) -> World:
    """Return a world in which a picture is paid for once."""
    return World(reuse=True, step=hook) if hook else World(reuse=True)


def finish(world: World, job: Job, result: bytes = CUT_OUT) -> Job:
    """Complete the job's task with this result, send its callback, and deliver all messages."""
    world.evolink.complete(world.task_of(job), result)
    world.check_task(job)
    world.deliver_all()
    return world.job(job)


def paid_photo(world: World, key: str = "a.jpg") -> Job:
    """Upload a photo and let its result be paid for and cached."""
    return finish(world, world.arrives(key))


def settled(world: World, job: Job) -> Job:
    """Deliver all messages, and return the job."""
    world.deliver_all()
    return world.job(job)


def upload_bypassing_cache(world: World, key: str = "b.jpg") -> Job:
    """Upload a photo with metadata so that it is paid for whatever is cached."""
    labels = Labels(metadata={BYPASS_CACHE_MARK: "true"}, tags={})
    job = world.registered(world.uploads.add(key, png(), labels))
    assert job is not None
    return world.advance(job)


def cached_key(world: World) -> str:
    """Return the key of the only cached result."""
    (key,) = world.cached_results.objects
    return key


def cached_result(world: World) -> bytes:
    """Return the result of the only deduplication record."""
    (record,) = world.dedup_records.items.values()
    assert record.kept is not None
    return world.cached_results.objects[record.kept.key]
