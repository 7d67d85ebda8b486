"""Uploads found in a listing: their order among events, their lane, and one payment."""

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
    """Register an upload that a listing found."""
    listed = replace(source, sequencer=after(newer_than), modified_at=world.clock.now())
    job = world.registered(listed, lane=Lane.BACKFILL)
    assert job is not None
    return world.advance(job)


def told(world: World, source: Source) -> Job:
    """Register an upload by its event."""
    job = world.registered(source, at=world.clock.now())
    assert job is not None
    return world.advance(job)


def finished(world: World, job: Job) -> State:
    """Complete the job's task; returns the state of the job."""
    world.evolink.complete(world.task_of(job))
    return world.check_task(job).state


def test_a_found_upload_is_processed_in_the_backfill_lane() -> None:
    """Behind live uploads."""
    world = World()
    job = found(world, world.uploads.add("a.jpg", png()))
    assert (job.lane, job.state) == (Lane.BACKFILL, State.PROCESSING)
    assert finished(world, job) is State.COMPLETED


def test_finding_an_upload_with_a_job_makes_no_second_job() -> None:
    """The version gives the job id, for an event and for a listing."""
    world = World()
    source = world.uploads.add("a.jpg", png())
    job = told(world, source)
    assert found(world, source, source.order) == job
    assert len(world.evolink.charges) == 1


def test_every_later_event_of_the_key_is_newer_than_the_found_upload() -> None:
    """A found upload has no sequencer, and is ordered before every event."""
    world = World()
    job = found(world, world.uploads.add("a.jpg", png()))
    newer = told(world, world.uploads.add("a.jpg", png(salt=1)))
    assert finished(world, job) is State.SUPERSEDED
    assert finished(world, newer) is State.COMPLETED


def test_an_older_found_upload_does_not_replace_a_newer_one() -> None:
    """The event of the newer upload came between the listing and Submit."""
    world = World()
    older = world.uploads.add("a.jpg", png())
    newer = told(world, world.uploads.add("a.jpg", png(salt=1)))
    late = found(world, older)
    assert (late.state, late.reason) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert finished(world, newer) is State.COMPLETED


def test_a_found_upload_is_newer_than_the_event_before_it() -> None:
    """Its own event was lost; it is ordered right after the last event of the key."""
    world = World()
    older = told(world, world.uploads.add("a.jpg", png()))
    assert finished(world, older) is State.COMPLETED
    job = found(world, world.uploads.add("a.jpg", png(salt=1)), older.source.order)
    assert finished(world, job) is State.COMPLETED
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == job.id


def test_found_uploads_are_ordered_as_they_were_found() -> None:
    """Two events in a row are lost, and each upload is found in turn."""
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


def test_the_late_event_of_a_found_upload_gives_it_its_order() -> None:
    """The event of an older upload, later still, does not supersede it then."""
    world = World()
    middle = world.uploads.add("a.jpg", png(salt=1))
    newest = world.uploads.add("a.jpg", png(salt=2))
    job = found(world, newest)
    assert told(world, newest).id == job.id
    late = told(world, middle)
    assert (late.state, late.reason) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert finished(world, job) is State.COMPLETED


def test_a_late_event_without_a_version_belongs_to_the_found_upload() -> None:
    """A second job would pay for the same bytes again."""
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
    """Even with the same bytes."""
    world = World()
    source = replace(world.uploads.add("a.jpg", png()), version_id=None, etag="same")
    job = world.registered(replace(source, sequencer=""), lane=Lane.BACKFILL)
    assert job is not None
    world.clock.advance(HOUR)
    again = world.registered(replace(source, etag=etag), at=world.clock.now())
    assert again is not None
    assert again.id != job.id
    assert job.why_superseded_by(world.jobs.newest(job.source.ref)) is Reason.NEWER_UPLOAD


def test_an_upload_with_the_backfill_mark_waits_behind_live_uploads() -> None:
    """The event does not include metadata; the object does, and its cut-out drops the mark."""
    world = World()
    labels = Labels(metadata={LANE_MARK: "backfill", "owner": "ann"}, tags={})
    job = told(world, world.uploads.add("a.jpg", png(), labels))
    assert job.lane is Lane.BACKFILL
    assert finished(world, job) is State.COMPLETED
    metadata = world.results.objects["a.png"].labels.metadata
    assert metadata["owner"] == "ann"
    assert LANE_MARK not in metadata


@pytest.mark.parametrize("mark", ["live", "fast", ""])
def test_other_values_of_the_mark_are_ignored(mark: str) -> None:
    """Users may write any metadata."""
    world = World()
    labels = Labels(metadata={LANE_MARK: mark}, tags={})
    assert told(world, world.uploads.add("a.jpg", png(), labels)).lane is Lane.LIVE


@pytest.mark.parametrize("is_deletion", [False, True])
def test_a_late_event_does_not_supersede_an_upload_that_a_listing_showed_later(
    *, is_deletion: bool
) -> None:
    """S3 stored the found upload after the event, however late the event is delivered.

    The event of an upload or a deletion may be a dead letter for days.
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
        world.register_upload.deleted(late, at=happened_at)
    else:
        older = world.registered(late, at=happened_at)
        assert older is not None
        assert world.advance(older).reason is Reason.NEWER_UPLOAD
    world.deliver_all()
    standing = world.results.current("a.png")
    assert standing is not None
    assert standing.job_id == job.id
    assert len(world.evolink.charges) == 2


def test_an_upload_after_the_listing_is_newer_than_the_found_upload() -> None:
    """Even if the found upload's message is delivered after it."""
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
