"""Uploads as a listing of their bucket shows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutout.domain.job.source import Source
from cutout.ports.listings import ListedObject
from tests.support.builders import LATER, NOW

LISTED = ListedObject(key="a.jpg", version_id="v1", etag="e1", size=7, modified_at=NOW)


def test_a_listed_object_is_an_upload_without_an_event() -> None:
    """A listing has no sequencer; the time is recorded instead."""
    assert LISTED.source("uploads", "0A") == Source(
        bucket="uploads",
        key="a.jpg",
        version_id="v1",
        etag="e1",
        sequencer="0A",
        size=7,
        modified_at=NOW,
    )
    assert LISTED.source("uploads").sequencer == ""


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (replace(LISTED, modified_at=LATER, size=8), True),
        (replace(LISTED, key="b.jpg"), False),
        (replace(LISTED, version_id=None), False),
        (replace(LISTED, etag="e2"), False),
        (None, False),
    ],
)
def test_a_listed_object_is_the_same_if_its_bytes_are(
    other: ListedObject | None,
    is_same: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Listings have times of different precision."""
    assert LISTED.is_same(other) == is_same
