"""Requests to Prepare for copies of photos, and its reports."""

from __future__ import annotations

import re
from dataclasses import field
from enum import StrEnum

from cutout.domain.dataclass import dataclass
from cutout.domain.job.source import Photo, Source
from cutout.domain.object_keys import PREPARED_FOLDER
from cutout.domain.photo.photo_and_result_checks import MOST_DECODED_PIXELS, PhotoLimits
from cutout.domain.reasons import REFUSALS, Reason
from cutout.domain.recipes import MOST_RECIPES, RECIPE_NAME_BYTES
from cutout.domain.sanitize import shortened
from cutout.domain.serialization import STORED_AS

LONGEST_MESSAGE = 500
"""Characters of a report's message; messages of decoders have no limit of their own."""


class CopyKind(StrEnum):
    """What a copy of a photo is for."""

    FOR_MODEL = "for-model"
    """Sent instead of the photo: upright, sRGB, in a format and size that the model takes."""
    FULL_SIZE = "full-size"
    """The whole photo, upright, sRGB, lossless: for cut-outs with the photo's own pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareRequest:
    """A request for copies of one photo.

    Attributes:
        source: the upload; its order is not used.
        wanted: the kinds of copies.
        ask: the request's number, which the report repeats; None requests no report.
    """

    job_id: str
    source: Source
    wanted: tuple[CopyKind, ...]
    ask: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeCopy:
    """A copy that is in the work bucket. Size in bytes, width and height in pixels."""

    kind: CopyKind
    format: str
    size: int
    width: int
    height: int
    has_alpha: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareReport:
    """Prepare's report: a photo and its copies, or the reason why there are none.

    Attributes:
        ask: the request's number.
        version: the version that was read, or its entity tag in a bucket without versions.
        photo: the photo's properties; None if it cannot be prepared.
        copies: the copies that were made.
        problem: why the requested copy in full size could not be made.
        reason: why no copies were made; None if they were.
        message: the reason in words.
        is_backfill: the upload's metadata asks for low priority.
        bypass_cache: the upload's metadata asks to ignore cached results.
        recipes: the names of recipes that the upload's metadata chooses; None without a choice.
    """

    job_id: str
    ask: int
    version: str
    photo: Photo | None = None
    copies: tuple[MadeCopy, ...] = ()
    problem: str | None = None
    reason: Reason | None = None
    message: str | None = None
    is_backfill: bool = False
    bypass_cache: bool = field(default=False, metadata={STORED_AS: "is_fresh"})
    recipes: tuple[str, ...] | None = None

    def copy(self, kind: CopyKind) -> MadeCopy | None:
        """The copy of this kind, if one was made."""
        return next((one for one in self.copies if one.kind is kind), None)


def copy_key(job_id: str, kind: CopyKind, format_: str) -> str:
    """The key of a copy in the work bucket; it follows from the job."""
    if kind is CopyKind.FULL_SIZE:
        return f"{PREPARED_FOLDER}{job_id}-full-size.{FULL_SIZE_FORMAT}"
    return f"{PREPARED_FOLDER}{job_id}.{_EXTENSIONS.get(format_, format_)}"


def version_of(source: Source) -> str:
    """The upload's version, or its entity tag in a bucket without versions."""
    return source.version_id or source.etag


def printable(text: str) -> str:
    """The text as a report may contain it: one printable line within the limit."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:LONGEST_MESSAGE]


def what_is_wrong(report: PrepareReport, limits: PhotoLimits) -> str | None:
    """Why a report cannot come from an intact Prepare; None if it can.

    Prepare decodes untrusted files: a file that compromises it can forge reports.
    """
    checks = {
        "Prepare never gives this reason": report.reason is None or report.reason in REPORTED,
        "a message cannot be printed, or is too long": _is_printable(report.message)
        and _is_printable(report.problem),
        "it has both a photo and a reason, or neither": (report.photo is None)
        == (report.reason is not None)
        and not (report.reason and report.copies),
        "the photo's properties are impossible": report.photo is None or _is_possible(report.photo),
        "Prepare never makes such a copy": all(
            _is_made(one, report, limits) for one in report.copies
        ),
        "it names a kind of copy twice": len({one.kind for one in report.copies})
        == len(report.copies),
        "its recipes' names are not as metadata has them": _are_names(report.recipes or ()),
    }
    return next((fault for fault, is_well in checks.items() if not is_well), None)


def _is_printable(text: str | None) -> bool:
    return text is None or (len(text) <= LONGEST_MESSAGE and text.isprintable())


def _are_names(recipes: tuple[str, ...]) -> bool:
    return len(recipes) <= MOST_RECIPES and all(
        name and _is_printable(name) and shortened(name, RECIPE_NAME_BYTES) == name
        for name in recipes
    )


def _is_possible(photo: Photo) -> bool:
    return (
        _FORMAT.fullmatch(photo.format) is not None
        and _SHA256.fullmatch(photo.sha256) is not None
        and photo.profile is None
        and photo.orientation in range(1, 9)
        and min(photo.width, photo.height) > 0
        and photo.width * photo.height <= MOST_DECODED_PIXELS
    )


def _is_made(copy: MadeCopy, report: PrepareReport, limits: PhotoLimits) -> bool:
    if min(copy.size, copy.width, copy.height) <= 0 or report.photo is None:
        return False
    if copy.kind is CopyKind.FULL_SIZE:
        is_whole = (copy.width, copy.height) == (report.photo.width, report.photo.height)
        return copy.format == FULL_SIZE_FORMAT and is_whole and copy.size <= _LARGEST_FULL_SIZE
    return (
        copy.format in _FOR_MODEL_FORMATS
        and copy.size <= limits.max_bytes
        and max(copy.width, copy.height) <= limits.max_side
        and copy.width * copy.height <= limits.max_pixels
    )


REPORTED = (REFUSALS - {Reason.FOLDER_MARKER, Reason.EMPTY_OBJECT}) | {Reason.SOURCE_DELETED}
"""Reasons that Prepare may report."""
FULL_SIZE_FORMAT = "png"
_FOR_MODEL_FORMATS = frozenset({"jpeg", "png", "webp"})
_EXTENSIONS = {"jpeg": "jpg"}
_LARGEST_FULL_SIZE = 2_000_000_000  # bytes: more than the largest photo has without compression
_FORMAT = re.compile("[a-z0-9]{1,8}")
_SHA256 = re.compile("[0-9a-f]{64}")
