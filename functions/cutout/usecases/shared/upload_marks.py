"""What an upload's metadata says of how to treat it."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.domain.errors import NotAPhotoError
from cutout.domain.object_keys import BYPASS_CACHE_MARK, LANE_MARK, MADE_BY
from cutout.domain.states import Lane, Reason


def is_marked_backfill(metadata: Mapping[str, str]) -> bool:
    """Whether its uploader wants it behind live photos."""
    return metadata.get(LANE_MARK) == Lane.BACKFILL


def bypasses_cache(metadata: Mapping[str, str]) -> bool:
    """Whether its uploader wants it paid for, whatever is kept of its picture."""
    return metadata.get(BYPASS_CACHE_MARK) == "true"


def refuse_own_output(metadata: Mapping[str, str]) -> None:
    """Know a cut-out of ours again, wherever it was copied to.

    Raises:
        NotAPhotoError: it is one.
    """
    if MADE_BY in metadata:
        text = "a cut-out of ours, by its metadata: it would be paid for to no purpose"
        raise NotAPhotoError(Reason.OWN_OUTPUT, text)
