"""Prepare's report on a photo, compared as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cutout.domain.job.source import Photo
from cutout.domain.messages.preparation import CopyKind, MadeCopy, PrepareReport, PrepareRequest
from cutout.domain.metrics import Metric
from cutout.domain.object_keys import (
    BYPASS_CACHE_MARK,
    LANE_MARK,
    MADE_BY,
    RECIPES_MARK,
    SKIP_MARK,
)
from cutout.domain.reasons import Reason
from cutout.ports.buckets import Labels
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import World

TURNED = tiff(600, 400, orientation=6)


def prepared(
    world: World,
    data: bytes,
    *wanted: CopyKind,
    ask: int | None = 7,
    metadata: Mapping[str, str] = {},
) -> PrepareReport:
    """Prepare's report on a photo with this metadata."""
    labels = Labels(metadata=metadata or {}, tags={})
    source = world.uploads.add("a.tif", data, labels)
    return world.prepare.prepare(
        PrepareRequest(job_id="job", source=source, wanted=wanted, ask=ask)
    )


def about(data: bytes, **facts: Any) -> PrepareReport:
    """A report about a photo with these bytes."""
    photo = Photo(
        format="tiff", width=600, height=400, sha256=hashlib.sha256(data).hexdigest(),
        orientation=6,
    )  # fmt: skip
    known: dict[str, Any] = {"job_id": "job", "ask": 7, "version": "v1", "photo": photo}
    return PrepareReport(**(known | facts))


def sizes(world: World) -> dict[str, int]:
    """The sizes of the copies in the work bucket."""
    return {key: len(data) for key, data in world.copies.objects.items()}


def made(world: World, kind: CopyKind, format_: str, **facts: Any) -> MadeCopy:
    """A copy in the work bucket that has the photo's size."""
    key = {CopyKind.FOR_MODEL: "prepared/job.jpg"}.get(kind, "prepared/job-full-size.png")
    size = sizes(world)[key]
    known: dict[str, Any] = {"kind": kind, "format": format_, "width": 600, "height": 400}
    return MadeCopy(size=size, **(known | facts))


@pytest.mark.parametrize(
    "wanted", [(CopyKind.FOR_MODEL,), (CopyKind.FULL_SIZE,), tuple(CopyKind), ()]
)
def test_the_requested_copies_are_made_counted_and_reported(
    wanted: tuple[CopyKind, ...],
) -> None:
    """With the facts about the photo."""
    world = World()
    report = prepared(world, TURNED, *wanted)
    formats = {CopyKind.FOR_MODEL: "jpeg", CopyKind.FULL_SIZE: "png"}
    copies = tuple(made(world, kind, formats[kind]) for kind in wanted)
    assert report == about(TURNED, copies=copies)
    assert world.reports.reports == [report]
    assert len(world.copies.objects) == world.telemetry.counts.get(Metric.PREPARED, 0)
    assert len(world.copies.objects) == len(wanted)


@pytest.mark.parametrize(
    ("metadata", "facts"),
    [
        ({LANE_MARK: "backfill"}, {"is_backfill": True}),
        ({BYPASS_CACHE_MARK: "true"}, {"bypass_cache": True}),
        ({RECIPES_MARK: "web"}, {"recipes": ("web",)}),
        ({LANE_MARK: "live", BYPASS_CACHE_MARK: "no"}, {}),
    ],
)
def test_the_marks_in_the_uploads_metadata_are_reported(
    metadata: dict[str, str], facts: dict[str, Any]
) -> None:
    """Submit does not read the photo itself."""
    assert prepared(World(), TURNED, metadata=metadata) == about(TURNED, **facts)


def test_a_transparent_photo_always_gets_a_full_size_copy() -> None:
    """The copy keeps its transparency."""
    world = World()
    data = tiff(600, 400, orientation=6, has_alpha=True)
    report = prepared(world, data, CopyKind.FOR_MODEL)
    assert report.photo is not None
    assert report.photo.has_alpha
    assert [copy.kind for copy in report.copies] == list(CopyKind)


@pytest.mark.parametrize("ask", [7, None])
@pytest.mark.parametrize(
    ("data", "metadata", "reason"),
    [
        (tiff(is_damaged=True), {}, Reason.DAMAGED_PHOTO),
        (b"a text, renamed", {}, Reason.NOT_A_PHOTO),
        (TURNED, {MADE_BY: "job"}, Reason.OWN_OUTPUT),
        (TURNED, {SKIP_MARK: "true"}, Reason.SKIPPED_BY_UPLOADER),
    ],
)
def test_a_photo_that_cannot_be_prepared_is_reported_with_the_reason(
    data: bytes, metadata: dict[str, str], reason: Reason, ask: int | None
) -> None:
    """Unless the request expects no report."""
    world = World()
    report = prepared(world, data, CopyKind.FOR_MODEL, ask=ask, metadata=metadata)
    assert replace(report, message=None) == PrepareReport(
        job_id="job", ask=ask or 0, version="v1", reason=reason
    )
    assert report.message
    assert world.reports.reports == ([report] if ask else [])


def test_a_deleted_photo_is_reported_as_deleted() -> None:
    """Without a message."""
    world = World()
    source = world.uploads.add("a.tif", TURNED)
    world.uploads.destroy(source)
    request = PrepareRequest(job_id="job", source=source, wanted=tuple(CopyKind), ask=7)
    assert world.prepare.prepare(request) == PrepareReport(
        job_id="job", ask=7, version="v1", reason=Reason.SOURCE_DELETED
    )
