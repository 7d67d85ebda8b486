"""Uploads whose metadata asks for no cut-out, or for some of the variants."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from cutout.adapters.event_bus import detail
from cutout.domain.job.job import Job
from cutout.domain.messages.preparation import PrepareReport
from cutout.domain.metrics import Metric
from cutout.domain.reasons import Reason
from cutout.domain.recipes import Recipe
from cutout.domain.states import Pixels, State
from cutout.ports.buckets import Labels
from tests.support.fakes.copier import tiff
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import PHOTO_LIMITS, World, png
from tests.support.hooks import Hook

SKIP = {"cutout-skip": "true"}
CHOICE = {"cutout-recipes": "web, nowhere"}
WEB = Recipe(name="web")
MARKET = Recipe(name="market")


def arrives(world: World, data: bytes, metadata: dict[str, str], *, is_huge: bool = False) -> Job:
    """An upload with this metadata; a huge one is read by Prepare only."""
    source = world.uploads.add("a.jpg", data, Labels(metadata=metadata, tags={}))
    size = PHOTO_LIMITS.max_bytes + 1 if is_huge else source.size
    job = world.registered(replace(source, size=size))
    assert job is not None
    world.advance(job)
    world.deliver_all()
    return world.job(job)


@pytest.mark.parametrize(
    ("data", "is_huge", "reader"),
    [
        (png(), False, "uploads.read"),
        (tiff(), False, "uploads.read"),
        (b"a text", False, "uploads.read"),
        (tiff(), True, "uploads.fetch"),
    ],
)
def test_a_skipped_photo_is_rejected_for_free_and_leaves_no_note(
    data: bytes,
    is_huge: bool,  # noqa: FBT001 - a column of the table
    reader: str,
) -> None:
    """One job, one event and no object, whatever the file is."""
    hook = Hook()
    world = World(step=hook)
    job = arrives(world, data, SKIP, is_huge=is_huge)
    assert (job.state, job.reason) == (State.REJECTED, Reason.SKIPPED_BY_UPLOADER)
    assert [step for step in hook.seen if step in {"uploads.read", "uploads.fetch"}] == [reader]
    assert job.credits == 0
    assert world.evolink.posts == []
    assert (world.notes.stored, world.results.objects) == ({}, {})
    (event,) = map(detail, world.announcements.jobs)
    assert (event["state"], event["reason"]) == ("rejected", "skipped-by-uploader")


def test_a_skipped_photo_removes_the_note_of_an_earlier_upload() -> None:
    """No cut-out is expected at this key any more."""
    world = World()
    world.arrives("a.jpg", b"a text")
    assert world.notes.stored
    arrives(world, png(), SKIP)
    assert world.notes.stored == {}


def test_a_retried_photo_is_skipped_again() -> None:
    """Its metadata cannot change."""
    world = World()
    job = arrives(world, png(), SKIP)
    world.operate.retry(job)
    world.deliver_all()
    again = world.job(job)
    assert (again.state, again.reason) == (State.REJECTED, Reason.SKIPPED_BY_UPLOADER)
    assert world.evolink.posts == []


@pytest.mark.parametrize("reason", [Reason.SKIPPED_BY_UPLOADER, Reason.OWN_OUTPUT])
def test_prepare_cannot_report_a_mark_that_submit_did_not_read(reason: Reason) -> None:
    """A photo that compromises Prepare must not end without a note."""
    world = World()
    job = world.arrives("a.tif", tiff())
    (request,) = world.preparations.requests
    report = PrepareReport(job_id=job.id, ask=request.ask or 0, version="v1", reason=reason)
    world.accept_report(report)
    assert world.job(job) == job
    assert world.telemetry.counts[Metric.REPORTS_REFUSED] == 1


@pytest.mark.parametrize(("data", "is_huge"), [(png(), False), (tiff(), False), (tiff(), True)])
def test_a_photo_gets_the_variants_named_in_its_metadata(
    data: bytes,
    is_huge: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The job records names that match no recipe."""
    world = World(recipes=(WEB, MARKET))
    job = arrives(world, data, CHOICE, is_huge=is_huge)
    assert job.recipes == ("web", "nowhere")
    world.evolink.complete(world.task_of(job), CUT_OUT)
    done = world.check_task(job)
    assert {one.recipe: one.key or one.problem for one in done.variants} == {
        "web": "a.web.png",
        "nowhere": "no recipe of this name applies to the photo",
    }
    assert done.result is not None
    assert done.result.remark == "no recipe applies to the photo: nowhere"
    event = detail(done)
    assert [one["recipe"] for one in event["variants"]] == ["web"]
    assert [one["recipe"] for one in event["variants_failed"]] == ["nowhere"]


def test_metadata_read_by_submit_overrides_prepares_report() -> None:
    """Prepare may be compromised."""
    world = World(pixels=Pixels.SOURCE)
    source = world.uploads.add("a.png", png(), Labels(metadata=CHOICE, tags={}))
    job = world.registered(source)
    assert job is not None
    waiting = world.advance(job)
    assert waiting.reason is Reason.PREPARING
    (request,) = world.preparations.requests
    report = world.prepare.prepare(request)
    assert report.photo is not None
    assert report.photo.sha256 == hashlib.sha256(png()).hexdigest()
    world.accept_report(replace(report, recipes=()))
    assert world.job(job).recipes == ("web", "nowhere")
