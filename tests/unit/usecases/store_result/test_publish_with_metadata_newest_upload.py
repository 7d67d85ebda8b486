"""A result key holds the cut-out of the newest upload, in whatever order jobs write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.buckets import Labels
from tests.support.fakes.buckets import MemoryUploads, StoredObject
from tests.support.fakes.evolink import LOST, PRICE
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook


def two_uploads(world: World) -> tuple[Job, Job]:
    """An older and a newer upload of one key, both with a running task."""
    older, newer = world.arrives("a.jpg", png(salt=1)), world.arrives("a.jpg", png(salt=2))
    return older, newer


def finish(world: World, job: Job) -> Job:
    """Complete the job's task and deliver its callback."""
    world.evolink.complete(world.task_of(job))
    return world.check_task(job)


def owner_of(world: World, key: str = "a.png") -> str:
    """The job whose cut-out is stored at the key."""
    return world.results.objects[key].labels.metadata["cutout-job"]


def foreign(etag: str) -> StoredObject:
    """An object that this product did not write."""
    nothing = Labels(metadata={}, tags={})
    return StoredObject(data=b"?", content_type="text/plain", labels=nothing, etag=etag)


def ends(world: World, job: Job) -> tuple[State, Reason | None]:
    """State and reason of the job."""
    return world.job(job).state, world.job(job).reason


@pytest.mark.parametrize("is_newer_first", [True, False])
def test_only_the_newest_uploads_result_is_stored(
    is_newer_first: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Whichever task ends first; the charge of the older one is recorded."""
    world = World()
    older, newer = two_uploads(world)
    for job in (newer, older) if is_newer_first else (older, newer):
        finish(world, job)
    assert ends(world, older) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert ends(world, newer) == (State.COMPLETED, None)
    assert [owner_of(world), *(key for key, _ in world.results.puts)] == [newer.id, "a.png"]
    assert [world.job(job).credits for job in (older, newer)] == [PRICE, PRICE]


@pytest.mark.parametrize("step", ["downloads.fetch", "uploads.labels_if_newest", "results.put"])
def test_a_newer_result_stored_while_the_older_one_is_fetched_stays(step: str) -> None:
    """The older worker checked before the newer upload came; the stored object's label stops it."""
    hook = Hook()
    world = World(step=hook)
    older = world.arrives("a.jpg", png(salt=1))

    def overtaken() -> None:
        finish(world, world.arrives("a.jpg", png(salt=2)))

    hook.once_at(step, overtaken)
    finish(world, older)
    newer = next(job for job in world.jobs.jobs.values() if job.id != older.id)
    assert ends(world, older) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert owner_of(world) == newer.id


def test_a_lost_conditional_write_checks_the_stored_object_again() -> None:
    """The newer result was stored between the check and the write: it stays."""
    hook = Hook()
    world = World(step=hook)
    older = world.arrives("a.jpg", png(salt=1))
    hook.once_at("results.put", lambda: finish(world, world.arrives("a.jpg", png(salt=2))))
    finish(world, older)
    assert ends(world, older) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert owner_of(world) != older.id


def test_a_newer_result_replaces_an_older_one_stored_meanwhile() -> None:
    """The write is repeated with the new object's ETag as its condition."""
    hook = Hook()
    world = World(step=hook)
    older, newer = two_uploads(world)
    older_object = StoredObject(
        data=b"older",
        content_type="image/png",
        labels=Labels(metadata={"cutout-source-order": older.source.order}, tags={}),
        etag="older",
    )
    hook.once_at("results.put", lambda: world.results.objects.update({"a.png": older_object}))
    finish(world, newer)
    assert (ends(world, newer), owner_of(world)) == ((State.COMPLETED, None), newer.id)


def test_a_foreign_object_at_the_result_key_is_replaced() -> None:
    """Result keys belong to the product: another program's object there is overwritten."""
    world = World()
    job = world.arrives()
    world.results.objects["a.png"] = foreign(etag="e")
    finish(world, job)
    assert owner_of(world) == job.id


def test_an_object_that_is_removed_before_it_is_looked_at_is_no_obstacle() -> None:
    """It made the first write fail, and the second one finds no object."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.results.objects["a.png"] = foreign(etag="e")
    hook.once_at("results.current", world.results.objects.clear)
    finish(world, job)
    assert (ends(world, job), owner_of(world)) == ((State.COMPLETED, None), job.id)


def test_a_result_key_written_all_the_time_is_left_to_a_later_check() -> None:
    """After four lost writes in a row, the job waits and the result is fetched again."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()

    def beaten() -> None:
        world.results.objects["a.png"] = foreign(etag=f"{len(hook.seen)}")
        hook.once_at("results.put", beaten)

    hook.once_at("results.put", beaten)
    finish(world, job)
    assert (world.job(job).state, hook.seen.count("results.put")) == (State.STORING, 4)
    hook.once_at("results.put", lambda: None)
    world.passes(timedelta(minutes=13))
    assert (ends(world, job), owner_of(world)) == ((State.COMPLETED, None), job.id)


def test_storing_the_same_result_twice_gives_the_same_object() -> None:
    """Repeating the step after a crash does no harm."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    hook.once_at("results.put", lambda: world.clock.advance(world.timing.lease))
    hook.once_at("results.put done", lambda: world.check_task(job))
    finish(world, job)
    assert ends(world, job) == (State.COMPLETED, None)
    assert len({stored.data for _key, stored in world.results.puts}) == 1
    assert len(world.announcements.jobs) == 1


def test_no_result_is_stored_for_a_photo_deleted_while_its_task_ran() -> None:
    """The job is superseded."""
    world = World()
    job = world.arrives()
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    finish(world, job)
    assert ends(world, job) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert world.results.objects == {}


def test_no_result_is_stored_for_a_version_that_was_deleted_permanently() -> None:
    """No photo is left that the cut-out belongs to."""
    world = World()
    job = world.arrives()
    world.uploads.destroy(job.source)
    finish(world, job)
    assert ends(world, job) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert world.results.objects == {}


@pytest.mark.parametrize(("is_versioned", "looks"), [(True, 0), (False, 1)])
def test_the_table_is_not_asked_for_the_newest_upload_if_the_bucket_tells(
    is_versioned: bool,  # noqa: FBT001 - a column of the table
    looks: int,
) -> None:
    """Without versions, the same bytes may have been uploaded again."""
    hook = Hook()
    world = World(step=hook, uploads=MemoryUploads(hook, is_versioned=is_versioned))
    job = world.arrives()
    hook.seen.clear()
    assert ends(world, finish(world, job)) == (State.COMPLETED, None)
    assert hook.seen.count("heads.newest") == looks
    assert hook.seen.count("uploads.labels") == looks


def test_a_newer_upload_whose_event_has_not_come_replaces_the_older_result_later() -> None:
    """The bucket knows it, the table does not: the older cut-out is in place until then."""
    hook = Hook()
    world = World(step=hook)
    older = world.arrives("a.jpg", png(salt=1))
    newer = world.uploads.add("a.jpg", png(salt=2))
    hook.seen.clear()
    assert ends(world, finish(world, older)) == (State.COMPLETED, None)
    assert hook.seen.count("heads.newest") == 1
    job = world.registered(newer)
    assert job is not None
    world.submit.advance(job)
    finish(world, world.job(job))
    assert owner_of(world) == job.id


def test_a_photo_that_is_the_newest_again_gets_its_cut_out() -> None:
    """A newer version was destroyed before it got one: the key shows the older photo."""
    world = World()
    older, newer = two_uploads(world)
    world.uploads.destroy(newer.source)
    assert ends(world, finish(world, newer)) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert ends(world, finish(world, older)) == (State.COMPLETED, None)
    assert owner_of(world) == older.id


def test_the_cut_out_of_a_newer_version_that_was_destroyed_is_replaced() -> None:
    """The key shows the older photo: what counts is the bucket, not the order of the uploads."""
    world = World()
    older, newer = two_uploads(world)
    finish(world, newer)
    world.uploads.destroy(newer.source)
    assert ends(world, finish(world, older)) == (State.COMPLETED, None)
    assert owner_of(world) == older.id


@pytest.mark.parametrize("step", ["uploads.version_shown", "results.put"])
def test_a_newer_result_stored_while_a_destroyed_ones_is_replaced_stays(step: str) -> None:
    """The write fails, as the object has changed, and the bucket is asked again."""
    hook = Hook()
    world = World(step=hook)
    older, destroyed = two_uploads(world)
    finish(world, destroyed)
    world.uploads.destroy(destroyed.source)

    def overtaken() -> None:
        finish(world, world.arrives("a.jpg", png(salt=3)))

    hook.once_at("results.current", lambda: hook.once_at(step, overtaken))
    finish(world, older)
    assert ends(world, older) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert owner_of(world) not in {older.id, destroyed.id}


def test_sources_with_the_same_result_key_get_different_ones() -> None:
    """`a.jpg` and `a.png` in one folder: neither overwrites the other."""
    world = World()
    jobs = [finish(world, world.arrives(key)) for key in ("f/a.jpg", "f/a.png", "f/a.webp")]
    assert [job.result_key for job in jobs] == ["f/a.png", "f/a.png.png", "f/a.webp.png"]
    assert [owner_of(world, job.result_key or "") for job in jobs] == [job.id for job in jobs]


def test_a_source_keeps_its_result_key() -> None:
    """Its next version replaces its own result, even where the key is its second choice."""
    world = World()
    finish(world, world.arrives("a.jpg"))
    first = finish(world, world.arrives("a.png", png(salt=1)))
    second = finish(world, world.arrives("a.png", png(salt=2)))
    assert (first.result_key, second.result_key) == ("a.png.png", "a.png.png")
    assert owner_of(world, "a.png.png") == second.id


def test_a_job_in_review_leaves_the_older_cut_out_alone() -> None:
    """The result accepted before stays where it is."""
    world = World()
    older = finish(world, world.arrives("a.jpg", png(salt=1)))
    newer = world.arrives("a.jpg", png(salt=2))
    world.evolink.complete(world.task_of(newer), b"png 600 400 255 255")
    world.check_task(newer)
    assert (owner_of(world), owner_of(world, "review/a.png")) == (older.id, newer.id)


def test_a_photo_deleted_while_its_result_is_fetched_gets_no_result() -> None:
    """The newest event is read again before the result is stored."""
    world = World()
    job = world.arrives("a.jpg")
    world.evolink.complete(world.task_of(job))

    def deleted_meanwhile() -> None:
        world.register_upload.deleted(world.uploads.remove("a.jpg"))

    world.downloads.rule = deleted_meanwhile
    done = world.check_task(job)
    assert (done.state, done.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert world.results.objects == {}


OPAQUE = b"png 600 400 255 255"


def reviewed(world: World, job: Job) -> Job:
    """Complete the job's task with a result that fails the checks."""
    world.evolink.complete(world.task_of(job), OPAQUE)
    return world.check_task(job)


@pytest.mark.parametrize("is_cut_out_first", [True, False])
def test_a_result_in_review_and_a_cut_out_in_a_folder_named_review_do_not_collide(
    is_cut_out_first: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """`a.jpg` is kept at `review/a.png`, which is also the result key of `review/a.jpg`."""
    world = World()
    doubtful, accepted = world.arrives("a.jpg"), world.arrives("review/a.jpg", png(salt=1))
    if is_cut_out_first:
        accepted, doubtful = finish(world, accepted), reviewed(world, doubtful)
    else:
        doubtful, accepted = reviewed(world, doubtful), finish(world, accepted)
    assert (doubtful.state, accepted.state) == (State.REVIEW, State.COMPLETED)
    assert doubtful.result is not None
    assert accepted.result is not None
    assert owner_of(world, doubtful.result.key) == doubtful.id
    assert owner_of(world, accepted.result.key) == accepted.id
    assert f"{doubtful.result.key}.json" in world.notes.stored


def test_a_second_review_of_a_photo_uses_the_same_key() -> None:
    """Its next version replaces its own result, even where the key is its second choice."""
    world = World()
    finish(world, world.arrives("review/a.jpg", png(salt=1)))
    first = reviewed(world, world.arrives("a.jpg", png(salt=2)))
    second = reviewed(world, world.arrives("a.jpg", png(salt=3)))
    assert first.result is not None
    assert second.result is not None
    assert (second.result.key, owner_of(world, first.result.key)) == (first.result.key, second.id)


def test_a_superseded_job_whose_result_never_comes_ends() -> None:
    """At its deadline, even where its result would have been cached."""
    world = World(reuse=True)
    first = world.arrives("a.jpg", png(salt=1))
    world.evolink.complete(world.task_of(first))
    world.downloads.rule = lambda: LOST
    world.check_task(first)
    world.arrives("a.jpg", png(salt=2))
    world.passes(TIMING.job_deadline + timedelta(hours=1))
    assert world.job(first).state is State.SUPERSEDED
