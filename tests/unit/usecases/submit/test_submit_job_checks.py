"""A file that the model does not accept ends as `rejected`, before anything is paid."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import HistoryEntry
from cutout.domain.metrics import Metric
from cutout.domain.photo.photo_and_result_checks import PhotoLimits
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.buckets import Labels
from tests.support.fakes.clock import START
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook
from tests.support.preparing import without_preparing

SMALL = PhotoLimits(
    max_bytes=1000, max_pixels=300_000
)  # SMALL = PhotoLimits(max_bytes=1000, max_pixels=300_000)  # and nothing is prepared
HEIC = b"\0\0\0\x18ftypheic" + bytes(12)


@pytest.mark.parametrize(
    ("key", "data", "reason", "message"),
    [
        ("shoes/", b"", Reason.FOLDER_MARKER, "the key ends in '/': a folder, not a photo"),
        ("a.jpg", b"", Reason.EMPTY_OBJECT, "the object is empty"),
        (
            "a.jpg",
            bytes(1001),
            Reason.TOO_MANY_BYTES,
            "1,001 bytes; at most 1,000 are accepted (setting max_bytes)",
        ),
        (
            "a.jpg",
            b"a text, renamed",
            Reason.NOT_A_PHOTO,
            "the content is not a picture, whatever its name",
        ),
        ("a.jpg", HEIC, Reason.UNSUPPORTED_FORMAT, "the model does not accept HEIC"),
        (
            "a.jpg",
            png()[:-14],
            Reason.DAMAGED_PHOTO,
            "the file ends too early or contradicts itself",
        ),
        (
            "a.jpg",
            png(1000, 301),
            Reason.TOO_MANY_PIXELS,
            "301,000 pixels; at most 300,000 are accepted (setting max_pixels)",
        ),
    ],
)
def test_a_file_that_is_not_a_usable_photo_is_rejected_with_its_reason(
    key: str,
    data: bytes,
    reason: Reason,
    message: str,
) -> None:
    """Nothing is sent or paid, no slot is taken, and an event is sent."""
    world = without_preparing(World(photo_limits=SMALL))
    job = world.arrives(key, data)
    assert (job.state, job.reason, job.message) == (State.REJECTED, reason, message)
    assert (job.attempts, job.photo, job.result_key) == ((), None, None)
    assert (world.evolink.posts, world.jobs.gate, world.jobs.result_keys) == ([], None, {})
    assert [told.state for told in world.announcements.jobs] == [State.REJECTED]
    assert world.telemetry.happened == {Metric.REJECTED: 1, Metric.CREDITS: 0}


def test_a_rejected_job_is_settled_and_expires() -> None:
    """It is kept for the retention time, and Sweep does not process it again."""
    world = World()
    job = world.arrives("a.jpg", b"a text, renamed")
    assert (job.due_at, job.is_announced) == (None, True)
    assert job.expires_at == START + TIMING.retention
    assert job.history[-1] == HistoryEntry(
        state=State.REJECTED, at=START, reason=Reason.NOT_A_PHOTO
    )


@pytest.mark.parametrize(("key", "data"), [("shoes/", b""), ("a.jpg", b""), ("a.jpg", bytes(1001))])
def test_a_file_rejected_by_its_name_or_size_is_not_read(key: str, data: bytes) -> None:
    """A huge file costs neither memory nor transfer."""
    hook = Hook()
    world = without_preparing(World(step=hook, photo_limits=SMALL))
    world.arrives(key, data)
    assert "uploads.read" not in hook.seen


def test_a_photo_deleted_before_it_was_read_is_superseded() -> None:
    """The version was deleted permanently: there is nothing to send and no event."""
    world = World()
    source = world.uploads.add("a.jpg", png())
    world.uploads.destroy(source)
    job = world.registered(source)
    assert job is not None
    job = world.advance(job)
    assert (job.state, job.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert (world.evolink.posts, world.announcements.jobs) == ([], [])


@pytest.mark.parametrize("size", [1000, 20_000_000])
def test_a_photo_that_s3_does_not_return_is_rejected_and_can_be_retried(size: int) -> None:
    """An archived object, for example, of any size: waiting would not make it readable."""
    world = World()
    world.uploads.archived.add("a.jpg")
    job = world.arrives("a.jpg", png() + bytes(size))
    world.deliver_all()
    job = world.job(job)
    assert (job.state, job.reason, job.message) == (
        State.REJECTED,
        Reason.UNREADABLE,
        "it is archived",
    )
    world.passes(2 * TIMING.lease)
    assert world.job(job) == job
    world.uploads.archived.clear()
    world.operate.retry(job)
    world.deliver_all()
    assert world.job(job).reason is not Reason.UNREADABLE


def test_a_cut_out_uploaded_as_a_photo_is_never_paid_for() -> None:
    """Its metadata names the job that made it, wherever it was copied to."""
    world = World()
    made = Labels(metadata={"cutout-job": "0" * 32}, tags={})
    job = world.registered(world.uploads.add("a.png", png(), made))
    assert job is not None
    rejected = world.advance(job)
    assert (rejected.state, rejected.reason) == (State.REJECTED, Reason.OWN_OUTPUT)
    assert world.evolink.posts == []
