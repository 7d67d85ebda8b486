"""Uploads that were found in a listing: their order among events, their lane, paid once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.source import Source, after
from cutout.domain.object_keys import LANE_MARK
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State
from cutout.ports.buckets import Labels
from tests.support.fakes.world import World, png

HOUR = timedelta(hours=1)


def found(world: World, source: Source, newer_than: str | None = None) -> Job:
    """Take an upload that a listing found."""
    listed = replace(source, sequencer=after(newer_than), modified_at=world.clock.now())
    job = world.registered(listed, lane=Lane.BACKFILL)
    assert job is not None
    return world.advance(job)


def told(world: World, source: Source) -> Job:
    """Take the event of an upload."""
    job = world.registered(source, at=world.clock.now())
    assert job is not None
    return world.advance(job)


def finished(world: World, job: Job) -> State:
    """Let the job's task end well; the state that the job has then."""
    world.evolink.complete(world.task_of(job))
    return world.wake(job).state


def test_a_found_upload_is_worked_on_in_its_lane() -> None:
    """Like any other, behind the live ones."""
    world = World()
    job = found(world, world.uploads.add("a.jpg", png()))
    assert (job.lane, job.state) == (Lane.BACKFILL, State.PROCESSING)
    assert finished(world, job) is State.COMPLETED


def test_an_upload_whose_event_came_is_not_made_twice_by_finding_it() -> None:
    """The version names the job, whether an event or a listing reports it."""
    world = World()
    source = world.uploads.add("a.jpg", png())
    job = told(world, source)
    assert found(world, source, source.order) == job
    assert len(world.evolink.charges) == 1


def test_whatever_happens_to_the_key_later_is_newer_than_what_was_found() -> None:
    """A found upload has no order of its own: below every event."""
    world = World()
    job = found(world, world.uploads.add("a.jpg", png()))
    newer = told(world, world.uploads.add("a.jpg", png(salt=1)))
    assert finished(world, job) is State.SUPERSEDED
    assert finished(world, newer) is State.COMPLETED


def test_an_older_found_upload_does_not_replace_a_newer_one() -> None:
    """The newer one's event came between the listing and Submit."""
    world = World()
    older = world.uploads.add("a.jpg", png())
    newer = told(world, world.uploads.add("a.jpg", png(salt=1)))
    late = found(world, older)
    assert (late.state, late.reason) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert finished(world, newer) is State.COMPLETED


def test_the_newest_upload_is_done_although_only_older_ones_events_came() -> None:
    """Its event is lost, the one before is not: found, it stands right above that one."""
    world = World()
    older = told(world, world.uploads.add("a.jpg", png()))
    assert finished(world, older) is State.COMPLETED
    job = found(world, world.uploads.add("a.jpg", png(salt=1)), older.source.order)
    assert finished(world, job) is State.COMPLETED
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == job.id


def test_found_uploads_follow_each_other() -> None:
    """Two events in a row are lost, and each upload is found in its time."""
    world = World()
    first = found(world, world.uploads.add("a.jpg", png()))
    second = found(world, world.uploads.add("a.jpg", png(salt=1)), first.source.order)
    assert first.source.order < second.source.order
    third = told(world, world.uploads.add("a.jpg", png(salt=2)))
    assert [finished(world, job) for job in (first, second, third)] == [
        State.SUPERSEDED,
        State.SUPERSEDED,
        State.COMPLETED,
    ]


def test_the_event_of_a_found_upload_gives_it_its_place_when_it_comes_late() -> None:
    """An older upload's event, later still, does not supersede it then."""
    world = World()
    middle = world.uploads.add("a.jpg", png(salt=1))
    newest = world.uploads.add("a.jpg", png(salt=2))
    job = found(world, newest)
    assert told(world, newest).id == job.id
    late = told(world, middle)
    assert (late.state, late.reason) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert finished(world, job) is State.COMPLETED


def test_a_late_event_without_a_version_is_that_of_the_found_upload() -> None:
    """It would name another job: the bytes would be paid twice."""
    world = World()
    source = replace(world.uploads.add("a.jpg", png()), version_id=None)
    uploaded_at = world.clock.now()
    world.clock.advance(HOUR)
    job = world.registered(replace(source, sequencer=""), lane=Lane.BACKFILL)
    assert job is not None
    world.clock.advance(HOUR)
    assert world.registered(source, at=uploaded_at) == world.jobs.find(job.id)
    assert list(world.jobs.jobs) == [job.id]
    assert job.why_superseded_by(world.jobs.newest(job.source.ref)) is None


@pytest.mark.parametrize("etag", ["same", "other"])
def test_an_event_newer_than_the_found_upload_is_another_upload(etag: str) -> None:
    """Also with the same bytes: a second upload is a second request."""
    world = World()
    source = replace(world.uploads.add("a.jpg", png()), version_id=None, etag="same")
    job = world.registered(replace(source, sequencer=""), lane=Lane.BACKFILL)
    assert job is not None
    world.clock.advance(HOUR)
    again = world.registered(replace(source, etag=etag), at=world.clock.now())
    assert again is not None
    assert again.id != job.id
    assert job.why_superseded_by(world.jobs.newest(job.source.ref)) is Reason.NEWER_UPLOAD


def test_a_copy_that_carries_the_mark_waits_behind_live_uploads() -> None:
    """S3's event does not say what it is; the object does, and its cut-out no longer."""
    world = World()
    labels = Labels(metadata={LANE_MARK: "backfill", "owner": "ann"}, tags={})
    job = told(world, world.uploads.add("a.jpg", png(), labels))
    assert job.lane is Lane.BACKFILL
    assert finished(world, job) is State.COMPLETED
    metadata = world.results.objects["a.png"].labels.metadata
    assert metadata["owner"] == "ann"
    assert LANE_MARK not in metadata


@pytest.mark.parametrize("mark", ["live", "fast", ""])
def test_no_other_mark_means_anything(mark: str) -> None:
    """Users write metadata as they like."""
    world = World()
    labels = Labels(metadata={LANE_MARK: mark}, tags={})
    assert told(world, world.uploads.add("a.jpg", png(), labels)).lane is Lane.LIVE


@pytest.mark.parametrize("is_deletion", [False, True])
def test_an_event_that_comes_late_does_not_overtake_what_a_listing_has_shown(
    *, is_deletion: bool
) -> None:
    """S3 stored the found upload later, whenever the event is told.

    An upload's event, or a deletion's, may be among the dead letters for days.
    """
    world = World(delete_with_source=True)
    first = told(world, world.uploads.add("a.jpg", png()))
    late = world.uploads.remove("a.jpg") if is_deletion else world.uploads.add("a.jpg", png(salt=1))
    happened_at = world.clock.now()
    world.clock.advance(HOUR)
    job = found(world, world.uploads.add("a.jpg", png(salt=2)), first.source.order)
    assert finished(world, job) is State.COMPLETED
    world.clock.advance(10 * HOUR)
    if is_deletion:
        world.arrive.deleted(late, at=happened_at)
    else:
        older = world.registered(late, at=happened_at)
        assert older is not None
        assert world.advance(older).reason is Reason.NEWER_UPLOAD
    world.settles()
    standing = world.results.current("a.png")
    assert standing is not None
    assert standing.job_id == job.id
    assert len(world.evolink.charges) == 2


def test_an_upload_after_the_listing_is_newer_than_what_was_found() -> None:
    """Even if the found upload's message waited in the queue until after it."""
    world = World()
    source = world.uploads.add("a.jpg", png())
    listed = replace(source, sequencer=after(None), modified_at=world.clock.now())
    world.clock.advance(HOUR)
    newer, at = world.uploads.add("a.jpg", png(salt=1)), world.clock.now()
    world.clock.advance(HOUR)
    assert world.registered(listed) is not None
    job = world.registered(newer, at=at)
    assert job is not None
    assert world.advance(job).state is State.PROCESSING
