"""Files larger than the model accepts: Prepare, not Submit, inspects them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State
from cutout.ports.buckets import Labels
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import PHOTO_LIMITS, World
from tests.support.hooks import Hook


def huge(world: World, data: bytes, metadata: dict[str, str] | None = None) -> Job:
    """An upload larger than the model accepts; the fakes need not hold all its bytes."""
    labels = Labels(metadata=metadata or {}, tags={})
    source = world.uploads.add("a.bin", data, labels)
    job = world.registered(replace(source, size=PHOTO_LIMITS.max_bytes + 1))
    assert job is not None
    return world.advance(job)


def test_a_file_with_too_many_bytes_is_not_read_by_submit() -> None:
    """Its size decides: neither memory nor transfer are spent on it."""
    hook = Hook()
    world = World(step=hook)
    job = huge(world, tiff())
    assert (job.reason, world.preparations.job_ids) == (Reason.PREPARING, [job.id])
    assert "uploads.read" not in hook.seen
    world.deliver_all()
    assert world.job(job).state is State.PROCESSING


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"a very long text", Reason.NOT_A_PHOTO), (b"8BPS" + bytes(20), Reason.UNSUPPORTED_FORMAT)],
)
def test_a_huge_file_that_is_no_picture_is_rejected_by_its_first_bytes(
    data: bytes, reason: Reason
) -> None:
    """No decoder is started."""
    hook = Hook()
    world = World(step=hook)
    job = huge(world, data)
    world.deliver_all()
    assert (world.job(job).state, world.job(job).reason) == (State.REJECTED, reason)
    assert [step for step in hook.seen if step.startswith("copier")] == []


def test_a_huge_cut_out_uploaded_as_a_photo_is_recognised() -> None:
    """Prepare reads its metadata; Submit does not read a file of this size."""
    world = World()
    job = huge(world, tiff(), {"cutout-job": "0" * 32})
    world.deliver_all()
    assert (world.job(job).state, world.job(job).reason) == (State.REJECTED, Reason.OWN_OUTPUT)
    assert world.evolink.posts == []


def test_a_huge_backfilled_photo_stays_behind_live_ones() -> None:
    """Its mark is in the metadata, which Prepare reads."""
    world = World()
    job = huge(world, tiff(), {"cutout-lane": "backfill"})
    world.deliver_all()
    assert world.job(job).lane is Lane.BACKFILL
