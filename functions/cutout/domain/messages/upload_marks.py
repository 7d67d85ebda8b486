"""Instructions in an upload's metadata."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NotAPhotoError
from cutout.domain.messages.preparation import printable
from cutout.domain.object_keys import (
    BYPASS_CACHE_MARK,
    LANE_MARK,
    MADE_BY,
    RECIPES_MARK,
    SKIP_MARK,
)
from cutout.domain.reasons import Reason
from cutout.domain.recipes import MOST_RECIPES, RECIPE_NAME_BYTES
from cutout.domain.sanitize import shortened
from cutout.domain.states import Lane


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadMarks:
    """What an upload's metadata asks for.

    Attributes:
        is_backfill: low priority, behind live uploads.
        bypass_cache: it is paid for even if a cached result exists.
        recipes: the names of the recipes for its variants; None without a choice, which means all.
    """

    is_backfill: bool
    bypass_cache: bool
    recipes: tuple[str, ...] | None


def read_marks(metadata: Mapping[str, str]) -> UploadMarks:
    """The instructions of an upload that is to be cut out.

    Raises:
        NotAPhotoError: it is a cut-out of ours, wherever it was copied to, or asks to be skipped.
    """
    if MADE_BY in metadata:
        text = "its metadata says that it is a cut-out already"
        raise NotAPhotoError(Reason.OWN_OUTPUT, text)
    if metadata.get(SKIP_MARK, "").strip().lower() == "true":
        text = f"its metadata says `{SKIP_MARK}: true`"
        raise NotAPhotoError(Reason.SKIPPED_BY_UPLOADER, text)
    return UploadMarks(
        is_backfill=metadata.get(LANE_MARK) == Lane.BACKFILL,
        bypass_cache=metadata.get(BYPASS_CACHE_MARK) == "true",
        recipes=_recipes(metadata.get(RECIPES_MARK)),
    )


def _recipes(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    # Anybody who may upload writes them: there are at most 20 short, printable names.
    names = (shortened(printable(name), RECIPE_NAME_BYTES) for name in text.split(","))
    return tuple(dict.fromkeys(filter(None, names)))[:MOST_RECIPES]
