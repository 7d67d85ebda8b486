"""Photos that the model does not take as they are: a copy is made, and sent in their place."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.errors import JobMovedError
from cutout.job import Job, Photo, Prepared
from cutout.photo import PhotoLimits
from cutout.ports.buckets import Labels
from cutout.ports.telemetry import Metric
from cutout.states import Lane, Move, Reason, State, Transport
from tests.fakes.clock import START
from tests.fakes.copier import tiff
from tests.fakes.world import PHOTO_LIMITS, TIMING, World, png
from tests.unit.usecases.hooks import Hook, WorkerDiedError

MINUTE = timedelta(minutes=1)


def urls_posted(world: World) -> list[str]:
    """Where the provider was told to find the photo, call by call."""
    return [json.loads(body)["image_urls"][0] for _key, body in world.evolink.posts]


def without_preparing(world: World) -> World:
    """A deployment that has it turned off."""
    world.submit = replace(world.submit, preparations=None)
    return world


def prepared(world: World, data: bytes, key: str = "a.tif") -> Job:
    """A photo that came, was prepared and sent on."""
    job = world.arrives(key, data)
    world.settles()
    return world.job(job)


def test_a_photo_that_needs_a_copy_is_handed_to_prepare() -> None:
    """It stays queued, says why, and Sweep looks after it should Prepare's message be lost."""
    world = World()
    job = world.arrives("a.tif", tiff())
    assert (job.state, job.reason) == (State.QUEUED, Reason.PREPARING)
    assert job.message == "TIFF is not among the formats the model takes"
    assert (job.due_at, job.is_waiting) == (START + TIMING.lease, False)
    assert world.preparations.job_ids == [job.id]
    assert (world.evolink.posts, world.jobs.result_keys, world.jobs.gate) == ([], {}, None)


def test_a_photo_that_needs_none_has_nothing_to_do_with_it() -> None:
    """It goes straight to the provider: no message, no copy, no request more."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.png", png())
    assert (job.state, job.prepared, world.copies.objects) == (State.PROCESSING, None, {})
    assert [step for step in hook.seen if "prepar" in step or "cop" in step] == []


def test_the_copy_is_made_recorded_and_sent_in_place_of_the_photo() -> None:
    """The row says what the photo is, and what the copy is; the link opens the copy."""
    world = World()
    job = prepared(world, tiff(8000, 4000, orientation=6))
    key = f"prepared/{job.id}.jpg"
    data = tiff(8000, 4000, orientation=6)
    assert job.photo == Photo(
        format="tiff",
        width=8000,
        height=4000,
        sha256=hashlib.sha256(data).hexdigest(),
        orientation=6,
    )
    assert world.copies.objects == {key: b"jpeg 2236 1118"}
    assert job.prepared == Prepared(
        key=key, format="jpeg", size=14, width=2236, height=1118, made_at=START
    )
    assert (job.state, job.result_key, job.preparations) == (State.PROCESSING, "a.png", 0)
    assert urls_posted(world) == [f"https://work.example/{key}?sig=1"]
    assert world.telemetry.counts[Metric.PREPARED] == 1


def test_a_copy_goes_through_the_files_api_as_a_photo_does() -> None:
    """Under the name and the type of the copy."""
    world = World(transport=Transport.FILES)
    job = prepared(world, tiff())
    assert world.files.copies == {f"{job.id}-1.jpeg": b"jpeg 600 400"}
    assert job.state is State.PROCESSING


def test_a_tiny_photo_is_sent_enlarged() -> None:
    """The row keeps its own size: the cut-out is made to fit that."""
    world = World()
    source = world.uploads.add("a.png", png(60, 40))
    job = world.arrive.created(source)
    assert job is not None
    waiting = world.submit.advance(job)
    assert (waiting.reason, waiting.message) == (
        Reason.PREPARING,
        "60 x 40 pixels, has not the 240 to 7680 pixels a side that the model takes",
    )


def test_a_cut_out_of_a_prepared_photo_is_compared_with_the_photo() -> None:
    """Whatever the size of the copy: what counts is the shape that the photo shows."""
    world = World()
    job = prepared(world, tiff(8000, 4000))
    world.evolink.complete(world.task_of(job), b"png 2236 1118 0 255")
    assert world.wake(job).state is State.COMPLETED
    other = prepared(world, tiff(8000, 4000, salt=1), "b.tif")
    world.evolink.complete(world.task_of(other), b"png 1118 2236 0 255")
    assert world.wake(other).reason is Reason.RESULT_ASPECT_DIFFERS


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tiff(is_damaged=True), Reason.DAMAGED_PHOTO),
        (b"MM\0*not what it seems", Reason.DAMAGED_PHOTO),
        (tiff(20_000, 10_001), Reason.TOO_MANY_PIXELS),
        (tiff(33, 1), Reason.TOO_ELONGATED),
        (tiff(0, 100), Reason.DAMAGED_PHOTO),
    ],
)
def test_what_prepare_finds_out_is_rejected_and_told(data: bytes, reason: Reason) -> None:
    """Damaged, a bomb, a shape that fits nowhere: Submit settles it, with Prepare's words."""
    world = World()
    job = prepared(world, data)
    assert (job.state, job.reason, job.prepared) == (State.REJECTED, reason, None)
    assert job.message
    assert (world.evolink.posts, world.copies.objects, world.jobs.result_keys) == ([], {}, {})
    assert [told.reason for told in world.announcements.jobs] == [reason]


def huge(world: World, data: bytes, metadata: dict[str, str] | None = None) -> Job:
    """An upload of more bytes than the model takes; the fakes need not hold them all."""
    labels = Labels(metadata=metadata or {}, tags={})
    source = world.uploads.add("a.bin", data, labels)
    job = world.arrive.created(replace(source, size=PHOTO_LIMITS.max_bytes + 1))
    assert job is not None
    return world.submit.advance(job)


def test_a_file_with_too_many_bytes_is_not_read_by_submit() -> None:
    """Its size is enough: neither memory nor transfer are spent on it."""
    hook = Hook()
    world = World(step=hook)
    job = huge(world, tiff())
    assert (job.reason, world.preparations.job_ids) == (Reason.PREPARING, [job.id])
    assert "uploads.read" not in hook.seen
    world.settles()
    assert world.job(job).state is State.PROCESSING


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"a very long text", Reason.NOT_A_PHOTO), (b"8BPS" + bytes(20), Reason.UNSUPPORTED_FORMAT)],
)
def test_a_huge_file_that_is_no_picture_is_found_out_by_its_first_bytes(
    data: bytes, reason: Reason
) -> None:
    """No decoder is tried on it."""
    hook = Hook()
    world = World(step=hook)
    job = huge(world, data)
    world.settles()
    assert (world.job(job).state, world.job(job).reason) == (State.REJECTED, reason)
    assert [step for step in hook.seen if step.startswith("copier")] == []


def test_our_own_output_is_known_again_however_large_it_is() -> None:
    """By its metadata, which Submit does not read of a file that it does not read."""
    world = World()
    job = huge(world, tiff(), {"cutout-job": "0" * 32})
    world.settles()
    assert (world.job(job).state, world.job(job).reason) == (State.REJECTED, Reason.OWN_OUTPUT)
    assert world.evolink.posts == []


def test_a_backfilled_photo_that_is_prepared_stays_behind_live_ones() -> None:
    """Its mark is in the metadata, which Prepare reads."""
    world = World()
    job = huge(world, tiff(), {"cutout-lane": "backfill"})
    world.settles()
    assert world.job(job).lane is Lane.BACKFILL


def test_a_photo_that_is_gone_when_it_is_to_be_prepared_is_superseded() -> None:
    """There is nothing to prepare, and nobody to tell."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.uploads.destroy(job.source)
    world.settles()
    settled = world.job(job)
    assert (settled.state, settled.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)


def test_a_newer_upload_supersedes_a_photo_that_is_being_prepared() -> None:
    """The copy of the older one is never sent."""
    world = World()
    older = world.arrives("a.tif", tiff())
    newer = world.arrives("a.tif", tiff(salt=1))
    world.settles()
    assert (world.job(older).state, world.job(older).reason) == (
        State.SUPERSEDED,
        Reason.NEWER_UPLOAD,
    )
    assert world.job(newer).state is State.PROCESSING
    assert len(world.evolink.posts) == 1


def test_where_nothing_is_prepared_the_photo_is_rejected_with_the_reason() -> None:
    """As it says itself."""
    world = without_preparing(World())
    job = world.arrives("a.tif", tiff())
    assert (job.state, job.reason, job.message) == (
        State.REJECTED,
        Reason.UNSUPPORTED_FORMAT,
        "TIFF is not among the formats the model takes",
    )


def test_a_copy_from_before_it_was_turned_off_is_not_sent() -> None:
    """The role that lends photos may not read it any more: rejected, not failed for money."""
    world = World(limits=replace(World().limits, max_in_flight=1))
    first = world.arrives("first.png", png())
    job = prepared(world, tiff())
    assert job.is_waiting
    without_preparing(world)
    world.evolink.complete(world.task_of(first))
    world.wake(first)
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.REJECTED, 1)


# Time


def test_submit_asks_again_ever_more_seldom_while_prepare_has_much_to_do() -> None:
    """A backlog before Prepare is not made longer by those who wait in it."""
    world = World()
    job = world.arrives("a.tif", tiff())
    asked = []
    for minute in range(181):
        world.clock.advance_to(START + minute * MINUTE)
        before = len(world.preparations.job_ids)
        world.sweep.sweep()
        while world.submissions.job_ids:
            world.submit.wake(world.job(job))
            world.submissions.job_ids.pop()
        if len(world.preparations.job_ids) > before:
            asked.append(minute)
    assert asked == [2, 6, 14, 30, 62, 126]
    assert world.job(job).reason is Reason.PREPARING


def test_nobody_submits_a_photo_before_its_copy_is_there() -> None:
    """A second event, or a freed slot, finds it not yet due and leaves it alone."""
    world = World()
    job = world.arrives("a.tif", tiff())
    assert world.submit.advance(job) == job
    assert world.preparations.job_ids == [job.id]


def test_a_slot_that_is_offered_to_a_photo_being_prepared_goes_to_the_next() -> None:
    """Its copy has grown old: while another is made, somebody else uses the slot."""
    world = World(limits=replace(World().limits, max_in_flight=1))
    first = world.arrives("first.png", png())
    job = prepared(world, tiff())
    behind = world.arrives("behind.png", png(salt=2))
    assert (job.is_waiting, behind.is_waiting) == (True, True)
    world.clock.advance(timedelta(hours=21))
    world.evolink.complete(world.task_of(first))
    world.wake(first)
    world.submissions.job_ids.clear()
    world.submit.wake(world.job(job))
    assert world.job(job).reason is Reason.PREPARING
    assert world.job(behind).state is State.PROCESSING


@pytest.mark.parametrize(("hours", "copies"), [(19, 1), (20, 2), (50, 2)])
def test_a_copy_that_waited_too_long_behind_the_gate_is_made_again(hours: int, copies: int) -> None:
    """The lifecycle rule would remove it before the provider is certain to have read it."""
    world = World(limits=replace(World().limits, max_in_flight=1))
    first = world.arrives("first.png", png())
    job = prepared(world, tiff())
    made = job.prepared
    assert made is not None
    world.clock.advance(timedelta(hours=hours))
    world.evolink.complete(world.task_of(first))
    world.wake(first)
    world.settles()
    sent = world.job(job)
    assert (sent.state, world.telemetry.counts[Metric.PREPARED]) == (State.PROCESSING, copies)
    assert sent.prepared is not None
    assert sent.prepared.made_at == (START if copies == 1 else world.clock.now())


def test_a_copy_that_is_gone_is_made_again() -> None:
    """Somebody emptied the work bucket: the photo is still there."""
    world = World(transport=Transport.FILES, limits=replace(World().limits, max_in_flight=1))
    first = world.arrives("first.png", png())
    job = prepared(world, tiff())
    world.copies.objects.clear()
    world.evolink.complete(world.task_of(first))
    world.wake(first)
    world.settles()
    assert world.job(job).state is State.PROCESSING
    assert world.files.copies == {f"{job.id}-1.jpeg": b"jpeg 600 400"}


# Workers that die, and workers that meet


def test_a_picture_that_ends_its_worker_is_given_up_after_five() -> None:
    """It takes the process with it each time: memory, a decoder's fault, the time-out."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    for _ in range(5):
        hook.die_at("copier.copy")
        with pytest.raises(WorkerDiedError):
            world.prepare.prepare(world.job(job))
    world.prepare.prepare(world.job(job))
    world.settles()
    given_up = world.job(job)
    assert (given_up.state, given_up.reason) == (State.REJECTED, Reason.CANNOT_BE_PREPARED)
    assert given_up.message == "it could not be decoded: 5 workers ended over it"
    assert hook.seen.count("copier.copy") == 5


def test_a_person_may_have_it_tried_again() -> None:
    """From the beginning."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    world.jobs.save(replace(job, preparations=5))
    world.settles()
    assert world.job(job).state is State.REJECTED
    world.operate.retry(world.job(job))
    world.settles()
    assert world.job(job).state is State.PROCESSING


def test_trouble_with_storage_is_not_the_pictures_fault() -> None:
    """A photo that cannot be fetched is not counted as one that ends its workers."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    for _ in range(9):
        hook.die_at("uploads.fetch")
        with pytest.raises(WorkerDiedError):
            world.prepare.prepare(world.job(job))
    world.settles()
    assert world.job(job).state is State.PROCESSING


def test_a_message_that_comes_twice_makes_one_copy() -> None:
    """The second finds the job gone on."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.preparations.job_ids *= 2
    world.settles()
    assert world.telemetry.counts[Metric.PREPARED] == 1
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 1)


def test_two_workers_at_one_photo_lose_nothing() -> None:
    """The second begins while the first is at it: whoever ends first is heard."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())

    def begins_too() -> None:
        hook.once_at("copier.copy", ends_first)
        world.prepare.prepare(world.job(job))

    def ends_first() -> None:
        """The second has begun; the first goes on from here, on a row that was written since."""

    hook.once_at("copies.put", begins_too)
    done = world.prepare.prepare(world.job(job))
    assert done.prepared is not None
    world.settles()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 1)


def test_a_row_that_is_written_while_the_copy_is_made_does_not_lose_it() -> None:
    """Submit asked again meanwhile; the copy is as good as before."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    world.clock.advance(TIMING.lease)
    hook.once_at("copies.put", lambda: world.submit.advance(world.job(job)))
    done = world.prepare.prepare(world.job(job))
    assert (done.prepared is not None, done.reason) == (True, None)
    assert world.telemetry.counts[Metric.PREPARED] == 1


def test_a_job_that_was_settled_while_its_copy_was_made_stays_settled() -> None:
    """A newer upload came in between."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())

    def supersede() -> None:
        standing = world.job(job)
        settled = standing.settle(
            Move.SUPERSEDE,
            now=world.clock.now(),
            retention=TIMING.retention,
            reason=Reason.NEWER_UPLOAD,
        )
        world.jobs.save(settled)

    hook.once_at("copies.put", supersede)
    assert world.prepare.prepare(world.job(job)).state is State.SUPERSEDED
    assert world.submissions.job_ids == []


def test_an_answer_that_was_lost_is_made_up_for_by_sweep() -> None:
    """The row was written, and nobody was woken: it is due."""
    world = World()
    job = world.arrives("a.tif", tiff())
    answers = iter([False, True])
    world.jobs.loses_answer = lambda: next(answers, False)
    done = world.prepare.prepare(world.job(job))
    assert (done.prepared is not None, world.submissions.job_ids) == (True, [])
    world.preparations.job_ids.clear()
    world.passes(3 * MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_a_row_that_is_gone_stops_the_worker() -> None:
    """It expired, or somebody removed it: there is nobody to hand the copy to."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    hook.once_at("copies.put", world.jobs.jobs.clear)
    assert world.prepare.prepare(world.job(job)).prepared is None
    with pytest.raises(JobMovedError):
        world.jobs.save(job)


def test_limits_of_the_deployment_reach_the_copy() -> None:
    """A model with other sides takes other copies."""
    limits = PhotoLimits(
        max_bytes=10_000_000,
        max_pixels=50_000_000,
        min_side=1000,
        max_side=2000,
        prepare_max_bytes=100_000_000,
    )
    job = prepared(World(photo_limits=limits), tiff(600, 400))
    assert job.prepared is not None
    assert (job.prepared.width, job.prepared.height) == (1500, 1000)
