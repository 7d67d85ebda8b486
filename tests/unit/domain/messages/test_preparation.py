"""Which reports of Prepare are valid, to the boundary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cutout.domain.messages.preparation import (
    LONGEST_MESSAGE,
    CopyKind,
    MadeCopy,
    PrepareReport,
    copy_key,
    printable,
    version_of,
    what_is_wrong,
)
from cutout.domain.photo.photo_and_result_checks import PhotoLimits
from cutout.domain.reasons import Reason
from tests.support.builders import PHOTO, a_source

LIMITS = PhotoLimits(
    max_bytes=1000, max_pixels=240_000, min_side=1, max_side=600, prepare_max_bytes=9000
)
MODEL = MadeCopy(kind=CopyKind.FOR_MODEL, format="jpeg", size=1000, width=600, height=400)
WHOLE = MadeCopy(kind=CopyKind.FULL_SIZE, format="png", size=9, width=600, height=400)
REPORT = PrepareReport(job_id="job", ask=1, version="v1", photo=PHOTO, copies=(MODEL, WHOLE))
MESSAGE = "a message cannot be printed, or is too long"
PHOTO_FAULT = "the photo's properties are impossible"
RECIPES_FAULT = "its recipes' names are not as metadata has them"
COPY_FAULT = "Prepare never makes such a copy"


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({}, None),
        ({"copies": ()}, None),
        ({"problem": "x" * LONGEST_MESSAGE}, None),
        ({"problem": "x" * (LONGEST_MESSAGE + 1)}, MESSAGE),
        ({"problem": "two\nlines"}, MESSAGE),
        ({"message": "two\nlines"}, MESSAGE),
        ({"reason": Reason.DAMAGED_PHOTO, "photo": None, "copies": ()}, None),
        ({"reason": Reason.SOURCE_DELETED, "photo": None, "copies": ()}, None),
        (
            {"reason": Reason.EMPTY_OBJECT, "photo": None, "copies": ()},
            "Prepare never gives this reason",
        ),
        (
            {"reason": Reason.DAMAGED_PHOTO, "copies": ()},
            "it has both a photo and a reason, or neither",
        ),
        (
            {"reason": Reason.DAMAGED_PHOTO, "photo": None},
            "it has both a photo and a reason, or neither",
        ),
        ({"photo": None, "copies": ()}, "it has both a photo and a reason, or neither"),
        ({"copies": (MODEL, MODEL)}, "it names a kind of copy twice"),
        ({"recipes": ("x" * 100, *map(str, range(19)))}, None),
        ({"recipes": tuple(map(str, range(21)))}, RECIPES_FAULT),
        ({"recipes": ("x" * 101,)}, RECIPES_FAULT),
        ({"recipes": ("\ud800",)}, RECIPES_FAULT),
        ({"recipes": ("",)}, RECIPES_FAULT),
    ],
)
def test_a_report_has_a_photo_with_copies_or_a_reason(
    said: dict[str, Any], fault: str | None
) -> None:
    """With a message that can be stored."""
    assert what_is_wrong(replace(REPORT, **said), LIMITS) == fault


@pytest.mark.parametrize(
    ("facts", "is_possible"),
    [
        ({"format": "heic"}, True),
        ({"format": "a/b"}, False),
        ({"format": "x" * 9}, False),
        ({"sha256": "A0" * 32}, False),
        ({"sha256": "a0"}, False),
        ({"profile": "Display P3"}, False),
        ({"orientation": 8}, True),
        ({"orientation": 0}, False),
        ({"orientation": 9}, False),
        ({"width": 1, "height": 1}, True),
        ({"width": 0}, False),
        ({"height": 0}, False),
        ({"width": 30_000, "height": 30_000}, False),
    ],
)
def test_an_impossible_photo_is_refused(
    facts: dict[str, Any],
    is_possible: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """An attacker in Prepare can write any report."""
    report = replace(REPORT, photo=replace(PHOTO, **facts), copies=())
    assert what_is_wrong(report, LIMITS) == (None if is_possible else PHOTO_FAULT)


@pytest.mark.parametrize(
    ("copy", "is_made"),
    [
        (MODEL, True),
        (replace(MODEL, format="webp"), True),
        (replace(MODEL, format="gif"), False),
        (replace(MODEL, size=1001), False),
        (replace(MODEL, size=0), False),
        (replace(MODEL, size=1, width=1, height=1), True),
        (replace(MODEL, width=0), False),
        (replace(MODEL, height=0), False),
        (replace(MODEL, width=601, height=1), False),
        (replace(MODEL, width=1, height=601), False),
        (replace(MODEL, width=600, height=401), False),
        (replace(WHOLE, format="jpeg"), False),
        (replace(WHOLE, width=599), False),
        (replace(WHOLE, size=2_000_000_000), True),
        (replace(WHOLE, size=2_000_000_001), False),
    ],
)
def test_a_copy_must_be_acceptable_to_the_model_or_the_whole_photo(
    copy: MadeCopy,
    is_made: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """No other file is sent or published."""
    report = replace(REPORT, copies=(copy,))
    assert what_is_wrong(report, LIMITS) == (None if is_made else COPY_FAULT)


def test_the_key_of_a_copy_follows_from_job_and_kind() -> None:
    """In the work bucket."""
    assert [copy_key("job", kind, "jpeg") for kind in (CopyKind.FOR_MODEL, CopyKind.FULL_SIZE)] == [
        "prepared/job.jpg",
        "prepared/job-full-size.png",
    ]
    assert copy_key("job", CopyKind.FOR_MODEL, "webp") == "prepared/job.webp"
    assert (REPORT.copy(CopyKind.FOR_MODEL), REPORT.copy(CopyKind.FULL_SIZE)) == (MODEL, WHOLE)
    assert not MODEL.has_alpha


def test_the_bytes_of_an_upload_are_named_by_version_or_etag() -> None:
    """The ETag in an unversioned bucket."""
    assert version_of(a_source()) == "v1"
    assert version_of(a_source(version_id=None)) == a_source().etag


def test_a_message_is_made_printable() -> None:
    """Decoders' messages may contain anything."""
    assert printable("  two\nlines\t\x00of   it ") == "two lines of it"
    assert printable("x" * 600) == "x" * 500
