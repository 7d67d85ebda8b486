"""Instructions in an upload's metadata."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.domain.errors import NotAPhotoError
from cutout.domain.job.stored_limits import LIST_LENGTHS, TEXT_BYTES, shortened
from cutout.domain.messages.preparation import printable
from cutout.domain.object_keys import (
    BYPASS_CACHE_MARK,
    LANE_MARK,
    MADE_BY,
    RECIPES_MARK,
    SKIP_MARK,
)
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane


def is_marked_backfill(metadata: Mapping[str, str]) -> bool:
    """Whether it has low priority, behind live uploads."""
    return metadata.get(LANE_MARK) == Lane.BACKFILL


def bypasses_cache(metadata: Mapping[str, str]) -> bool:
    """Whether it is paid for even if a cached result exists."""
    return metadata.get(BYPASS_CACHE_MARK) == "true"


def chosen_recipes(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """The names of the recipes for its variants; None without a choice, which means all.

    Anybody who may upload writes them: there are at most 20 short, printable names.
    """
    text = metadata.get(RECIPES_MARK)
    if text is None:
        return None
    names = (shortened(printable(name), TEXT_BYTES["recipes"]) for name in text.split(","))
    return tuple(dict.fromkeys(filter(None, names)))[: LIST_LENGTHS["recipes"]]


def refuse_unwanted(metadata: Mapping[str, str]) -> None:
    """Reject a cut-out of ours, wherever it was copied to, and a photo that asks to be skipped.

    Raises:
        NotAPhotoError: it is one of the two.
    """
    if MADE_BY in metadata:
        text = "its metadata says that it is a cut-out already"
        raise NotAPhotoError(Reason.OWN_OUTPUT, text)
    if metadata.get(SKIP_MARK, "").strip().lower() == "true":
        text = f"its metadata says `{SKIP_MARK}: true`"
        raise NotAPhotoError(Reason.SKIPPED_BY_UPLOADER, text)
