"""Photos that the model does not accept: a copy is made and sent instead."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from cutout.domain.job.source import Photo, Prepared
from cutout.domain.metrics import Metric
from cutout.domain.photo.photo_and_result_checks import PhotoLimits
from cutout.domain.reasons import Reason
from cutout.domain.states import State, Transport
from tests.support.fakes.clock import START
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import KEY_SALT, TIMING, World, png
from tests.support.hooks import Hook
from tests.support.preparing import prepared, without_preparing


def urls_posted(world: World) -> list[str]:
    """The URL of the photo in each call."""
    return [json.loads(body)["image_urls"][0] for _key, body in world.evolink.posts]


def test_a_photo_that_needs_a_copy_is_sent_to_prepare() -> None:
    """The job stays queued with its reason; Sweep sends it again if the message is lost."""
    world = World()
    job = world.arrives("a.tif", tiff())
    assert (job.state, job.reason) == (State.QUEUED, Reason.PREPARING)
    assert job.message == "the model does not accept TIFF"
    assert (job.due_at, job.is_waiting) == (START + TIMING.lease, False)
    assert world.preparations.job_ids == [job.id]
    assert (world.evolink.posts, world.jobs.result_keys, world.jobs.gate) == ([], {}, None)


def test_a_photo_that_needs_no_copy_is_not_prepared() -> None:
    """It is sent to the provider without a message, a copy or another request."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.png", png())
    assert (job.state, job.prepared, world.copies.objects) == (State.PROCESSING, None, {})
    assert [step for step in hook.seen if "prepar" in step or "cop" in step] == []


def test_the_copy_is_made_recorded_and_sent_instead_of_the_photo() -> None:
    """The job describes both the photo and the copy; the link is to the copy."""
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
    assert world.copies.objects == {key: b"jpeg 2236 1118 of 0"}
    assert job.prepared == Prepared(
        key=key, format="jpeg", size=19, width=2236, height=1118, made_at=START
    )
    assert (job.state, job.result_key, job.preparations) == (State.PROCESSING, "a.png", 0)
    assert urls_posted(world) == [f"https://work.example/{key}?type=image/jpeg&sig=1"]
    assert world.telemetry.counts[Metric.PREPARED] == 1


def test_a_copy_is_transferred_through_the_files_api_like_a_photo() -> None:
    """Under the copy's name and type."""
    world = World(transport=Transport.FILES)
    job = prepared(world, tiff())
    assert world.files.copies == {f"cutout-{job.id}-1-{KEY_SALT}.jpeg": b"jpeg 600 400 of 0"}
    assert job.state is State.PROCESSING


def test_a_tiny_photo_is_sent_enlarged() -> None:
    """The job keeps the photo's own size, and the cut-out is made to fit that."""
    world = World()
    source = world.uploads.add("a.png", png(60, 40))
    job = world.registered(source)
    assert job is not None
    waiting = world.advance(job)
    assert (waiting.reason, waiting.message) == (
        Reason.PREPARING,
        "60 x 40 pixels: each side must be 240 to 7680 pixels",
    )


def test_the_cut_out_of_a_prepared_photo_is_compared_with_the_photo() -> None:
    """The aspect ratio of the displayed photo counts, not the size of the copy."""
    world = World()
    job = prepared(world, tiff(8000, 4000))
    world.evolink.complete(world.task_of(job), b"png 2236 1118 0 255")
    assert world.check_task(job).state is State.COMPLETED
    other = prepared(world, tiff(8000, 4000, salt=1), "b.tif")
    world.evolink.complete(world.task_of(other), b"png 1118 2236 0 255")
    assert world.check_task(other).reason is Reason.RESULT_ASPECT_DIFFERS


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
def test_a_photo_that_prepare_cannot_use_is_rejected(data: bytes, reason: Reason) -> None:
    """Damaged, too many pixels or too elongated: Submit settles the job with Prepare's message."""
    world = World()
    job = prepared(world, data)
    assert (job.state, job.reason, job.prepared) == (State.REJECTED, reason, None)
    assert job.message
    assert (world.evolink.posts, world.copies.objects, world.jobs.result_keys) == ([], {}, {})
    assert [told.reason for told in world.announcements.jobs] == [reason]


def test_a_photo_deleted_before_it_is_prepared_is_superseded() -> None:
    """There is nothing to prepare and no event."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.uploads.destroy(job.source)
    world.deliver_all()
    settled = world.job(job)
    assert (settled.state, settled.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)


def test_a_newer_upload_supersedes_a_photo_that_is_being_prepared() -> None:
    """The copy of the older upload is not sent."""
    world = World()
    older = world.arrives("a.tif", tiff())
    newer = world.arrives("a.tif", tiff(salt=1))
    world.deliver_all()
    assert (world.job(older).state, world.job(older).reason) == (
        State.SUPERSEDED,
        Reason.NEWER_UPLOAD,
    )
    assert world.job(newer).state is State.PROCESSING
    assert len(world.evolink.posts) == 1


def test_without_prepare_the_photo_is_rejected_with_the_reason() -> None:
    """The message names the format."""
    world = without_preparing(World())
    job = world.arrives("a.tif", tiff())
    assert (job.state, job.reason, job.message) == (
        State.REJECTED,
        Reason.UNSUPPORTED_FORMAT,
        "the model does not accept TIFF",
    )


def test_a_copy_made_before_prepare_was_turned_off_is_not_sent() -> None:
    """The role that signs links may not read it any more: the job is rejected without a call."""
    world = World(limits=replace(World().limits, max_in_flight=1))
    first = world.arrives("first.png", png())
    job = prepared(world, tiff())
    assert job.is_waiting
    without_preparing(world)
    world.evolink.complete(world.task_of(first))
    world.check_task(first)
    world.deliver_all()
    assert (world.job(job).state, len(world.evolink.posts)) == (State.REJECTED, 1)


def test_limits_of_the_deployment_apply_to_the_copy() -> None:
    """Other side lengths give other copies."""
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
