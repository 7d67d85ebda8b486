"""One job for each upload, however often and wherever its event is delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.job.source import LatestVersion, Source
from cutout.domain.polling_and_timing import MESSAGE_LIFE
from cutout.domain.states import State
from cutout.usecases.submit.register_upload import UploadFilter
from tests.support.fakes.clock import START
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook, WorkerCrashedError

MINUTE = timedelta(minutes=1)


def take_event(world: World, source: Source) -> Job:
    """Register and advance an upload as Submit does with its event."""
    job = world.registered(source)
    assert job is not None, "the key is watched"
    return world.advance(job)


def test_a_new_upload_has_a_job_that_sweep_finds_after_a_crash() -> None:
    """The job is written first, with a due time at the end of the lease."""
    world = World()
    source = world.uploads.add("shoes/red.jpg", png())
    assert world.registered(source) == Job(
        id=source.job_id,
        source=source,
        state=State.QUEUED,
        created_at=START,
        updated_at=START,
        due_at=START + TIMING.lease,
        look_at=START + TIMING.lease,
        entered_at=START,
        is_first=True,
        history=(HistoryEntry(state=State.QUEUED, at=START),),
    )
    assert world.jobs.heads == {
        source.ref: LatestVersion(source_ref=source.ref, order=source.order, job_id=source.job_id),
    }


def test_an_event_delivered_twice_gives_one_job_and_one_payment() -> None:
    """EventBridge and SQS deliver at least once: the second event finds the job."""
    world = World()
    source = world.uploads.add("a.jpg", png())
    first = take_event(world, source)
    assert take_event(world, source) == first
    assert (len(world.jobs.jobs), len(world.evolink.charges)) == (1, 1)


def expires(world: World, job: Job) -> None:
    """Delete the job as its TTL does."""
    assert job.expires_at is not None
    assert job.expires_at <= world.clock.now()
    del world.jobs.jobs[job.id]
    world.dedup_records.forget(world.clock.now())


def finished_after_its_message_failed(world: World) -> tuple[Source, Job]:
    """A completed job whose event message is a dead letter; Sweep moved the job on."""
    source = world.uploads.add("a.jpg", png())
    job = world.registered(source, at=START)
    assert job is not None
    world.passes(MINUTE * 5)
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED
    return source, world.job(job)


def test_a_redriven_dead_letter_finds_its_job() -> None:
    """With the shortest allowed retention, and at the end of a message's life."""
    world = World(reuse=True, timing=replace(TIMING, retention=timedelta(days=25)))
    source, job = finished_after_its_message_failed(world)
    world.clock.advance_to(START + MESSAGE_LIFE)
    assert world.registered(source, at=START) == job
    assert job.expires_at is not None
    assert job.expires_at > world.clock.now()


def test_an_event_replayed_after_its_job_expired_is_not_paid_for_again() -> None:
    """From an EventBridge archive, for example, or a dead letter that was redriven twice."""
    world = World(timing=replace(TIMING, retention=timedelta(days=25)))
    source, job = finished_after_its_message_failed(world)
    world.clock.advance(timedelta(days=26))
    expires(world, job)
    assert world.registered(source, at=START) is None
    assert (world.jobs.jobs, len(world.evolink.charges)) == ({}, 1)
    assert ("upload ignored: its job has expired", {"due_job": job.id}) in world.telemetry.facts


def test_an_event_replayed_after_its_job_expired_is_ignored_though_its_key_shows_it_again() -> None:
    """The version that replaced it was destroyed: its record names another job."""
    world = World(timing=replace(TIMING, retention=timedelta(days=25)))
    source, job = finished_after_its_message_failed(world)
    newer = world.uploads.add("a.jpg", b"not a photo")
    world.registered(newer)
    world.uploads.destroy(newer)
    world.clock.advance(timedelta(days=26))
    expires(world, job)
    assert world.registered(source, at=START) is None
    assert len(world.evolink.charges) == 1


def test_an_old_event_of_an_unknown_key_makes_a_job() -> None:
    """No record of the key exists, so nothing was paid for it."""
    world = World()
    source = world.uploads.add("a.jpg", png())
    world.clock.advance(timedelta(days=30))
    assert world.registered(source, at=START) is not None


def test_an_event_redelivered_after_the_job_settled_changes_nothing() -> None:
    """Nor is anything paid again when dead letters are redriven days later."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    completed = world.check_task(job)
    assert completed.state is State.COMPLETED
    assert take_event(world, job.source) == completed
    assert len(world.evolink.charges) == 1


@pytest.mark.parametrize(
    "step",
    ["jobs.find", "heads.advance", "jobs.claim", "uploads.read", "gate.read", "bodies.keep"],
)
def test_two_workers_with_the_same_event_pay_once(step: str) -> None:
    """Whatever step the first is at when the second overtakes it."""
    hook = Hook()
    world = World(step=hook)
    source = world.uploads.add("a.jpg", png())
    hook.once_at(step, lambda: take_event(world, source))
    loser = take_event(world, source)
    assert loser == world.job(loser)
    assert (loser.state, len(loser.attempts)) == (State.PROCESSING, 1)
    assert (len(world.jobs.jobs), len(world.evolink.posts)) == (1, 1)


def test_the_worker_that_loses_the_race_for_the_slot_makes_no_call() -> None:
    """The conditional write of the attempt decides; the loser stops without an error."""
    hook = Hook()
    world = World(step=hook)
    source = world.uploads.add("a.jpg", png())
    job = world.registered(source)
    assert job is not None
    hook.once_at("jobs.save", lambda: world.advance(job))
    loser = world.advance(job)
    assert loser.state in {State.SUBMITTING, State.PROCESSING}
    assert (len(world.evolink.posts), len(world.evolink.charges)) == (1, 1)
    assert world.jobs.read_gate().in_flight == 1


def test_each_version_of_a_key_has_its_own_job() -> None:
    """Overwriting a photo makes another job under the same key."""
    world = World()
    first, second = world.arrives("a.jpg", png(salt=1)), world.arrives("a.jpg", png(salt=2))
    assert first.id != second.id
    assert set(world.jobs.jobs) == {first.id, second.id}


def test_without_versioning_uploads_are_distinguished_by_content_and_order() -> None:
    """ETag and sequencer replace the version: the same bytes again are a new upload."""
    world = World()
    first = replace(world.uploads.add("a.jpg", png()), version_id=None)
    again = replace(world.uploads.add("a.jpg", png()), version_id=None)
    assert first.etag == again.etag
    for source in (first, again, first):
        world.registered(source)
    assert set(world.jobs.jobs) == {first.job_id, again.job_id}


def test_a_crash_before_the_job_is_written_leaves_all_to_the_redelivery() -> None:
    """Recording the newest event first is harmless: the redelivered event makes the job."""
    hook = Hook()
    world = World(step=hook)
    source = world.uploads.add("a.jpg", png())
    hook.crash_at("jobs.claim")
    with pytest.raises(WorkerCrashedError):
        take_event(world, source)
    assert world.jobs.jobs == {}
    assert take_event(world, source).state is State.PROCESSING


def test_sweep_enqueues_a_job_whose_worker_crashed_at_once() -> None:
    """The event's message may be gone; the job is enough."""
    world = World()
    job = world.registered(world.uploads.add("a.jpg", png()))
    assert job is not None
    world.passes(TIMING.lease)
    assert world.job(job).state is State.PROCESSING
    assert len(world.evolink.charges) == 1


ONE_BUCKET = UploadFilter(
    uploads_bucket="photos",
    upload_prefix="",
    results_bucket="photos",
    result_prefix="cut-outs/",
)
SUFFIXES = UploadFilter(
    uploads_bucket="uploads",
    upload_prefix="in/",
    upload_suffixes=(".jpg", ".PNG"),
    results_bucket="results",
    result_prefix="",
)
TWO_BUCKETS = UploadFilter(
    uploads_bucket="uploads",
    upload_prefix="in/",
    results_bucket="results",
    result_prefix="",
)


@pytest.mark.parametrize(
    ("watch", "bucket", "key", "is_watched"),
    [
        (TWO_BUCKETS, "uploads", "in/a.jpg", True),
        (TWO_BUCKETS, "uploads", "in/", True),
        (TWO_BUCKETS, "uploads", "a.jpg", False),
        (TWO_BUCKETS, "uploads", "inner/a.jpg", False),
        (TWO_BUCKETS, "results", "in/a.png", False),
        (TWO_BUCKETS, "others", "in/a.jpg", False),
        (SUFFIXES, "uploads", "in/a.JPG", True),
        (SUFFIXES, "uploads", "in/a.png", True),
        (SUFFIXES, "uploads", "in/a.jpg.txt", False),
        (ONE_BUCKET, "photos", "a.jpg", True),
        (ONE_BUCKET, "photos", "cut-outs", True),
        (ONE_BUCKET, "photos", "cut-outs/a.png", False),
        (ONE_BUCKET, "photos", "review/cut-outs/a.png", False),
    ],
)
def test_only_uploads_under_the_prefix_are_registered_and_never_own_output(
    watch: UploadFilter,
    bucket: str,
    key: str,
    is_watched: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Other objects make no job and no record, so results cannot loop."""
    world = World()
    arrive = replace(world.register_upload, upload_filter=watch)
    uploaded = replace(world.uploads.add(key, png()), bucket=bucket)
    deleted = replace(world.uploads.remove(key), bucket=bucket)
    registered = arrive.created(uploaded)
    job = registered and registered.job
    assert (job is not None) == is_watched
    assert len(world.jobs.jobs) == is_watched
    arrive.deleted(deleted)
    noted = {uploaded.ref: LatestVersion(source_ref=uploaded.ref, order=deleted.order, job_id=None)}
    assert world.jobs.heads == (noted if is_watched else {})
