"""Instructions in an upload's metadata."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.domain.errors import NotAPhotoError
from cutout.domain.object_keys import BYPASS_CACHE_MARK, LANE_MARK, MADE_BY
from cutout.domain.states import Lane, Reason


def is_marked_backfill(metadata: Mapping[str, str]) -> bool:
    """Whether it has low priority, behind live uploads."""
    return metadata.get(LANE_MARK) == Lane.BACKFILL


def bypasses_cache(metadata: Mapping[str, str]) -> bool:
    """Whether it is paid for even if a cached result exists."""
    return metadata.get(BYPASS_CACHE_MARK) == "true"


def refuse_own_output(metadata: Mapping[str, str]) -> None:
    """Reject a cut-out of ours, wherever it was copied to.

    Raises:
        NotAPhotoError: it is a cut-out.
    """
    if MADE_BY in metadata:
        text = "its metadata says that it is a cut-out already"
        raise NotAPhotoError(Reason.OWN_OUTPUT, text)
