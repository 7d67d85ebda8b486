"""What a file is, from its own bytes: checked before anything is paid.

Only structure is read, nothing is decoded: a decompression bomb is refused by its header. What is a
photo, but not one that the model takes as it is, is told apart from what is none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import sqrt

from cutout.domain.errors import NeedsPreparingError, NotAPhotoError
from cutout.domain.job.job import Photo
from cutout.domain.photo.formats import HEAD_BYTES, Kind, kind_of
from cutout.domain.photo.headers import Size, structure_of
from cutout.domain.states import Reason

MOST_DECODED_PIXELS = 200_000_000
"""What is prepared: the largest pictures that cameras and telephones make.

Four bytes a pixel while it is decoded, and as much again for what is made of it, fit into Prepare's
memory; what claims to be larger is taken for a decompression bomb.
"""
FIRST_LYING = 5
"""The first of the Exif orientations that change width and height."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoLimits:
    """What the model takes, and what can be made into that.

    Attributes:
        max_bytes: of the file.
        max_pixels: of the picture, width times height.
        min_side: pixels; the shorter side has at least as many.
        max_side: pixels; the longer side has at most as many.
        prepare_max_bytes: a file of at most as many is prepared; 0 if none is.
    """

    max_bytes: int
    max_pixels: int
    min_side: int = 1
    max_side: int = 1_000_000
    prepare_max_bytes: int = 0


def check_size(key: str, size: int, limits: PhotoLimits) -> None:
    """Refuse what its name and size alone give away, before a byte is read.

    Raises:
        NeedsPreparingError: more bytes than the model takes.
        NotAPhotoError: a folder marker, an empty object or too many bytes for anything.
    """
    if key.endswith("/"):
        raise NotAPhotoError(Reason.FOLDER_MARKER, "the key ends in '/': a folder, not a photo")
    if size == 0:
        raise NotAPhotoError(Reason.EMPTY_OBJECT, "the object is empty")
    if size <= limits.max_bytes:
        return
    if size <= limits.prepare_max_bytes:
        raise NeedsPreparingError(
            Reason.TOO_MANY_BYTES, _too_many_bytes(size, limits.max_bytes, "max_bytes")
        )
    most, setting = max(
        (limits.max_bytes, "max_bytes"), (limits.prepare_max_bytes, "prepare_max_bytes")
    )
    raise NotAPhotoError(Reason.TOO_MANY_BYTES, _too_many_bytes(size, most, setting))


def _too_many_bytes(size: int, most: int, setting: str) -> str:
    return f"{size:,} bytes; at most {most:,} are taken (setting {setting})"


def inspect(data: bytes, limits: PhotoLimits) -> Photo:
    """Format and size of a photo that the model takes as it is.

    Args:
        data: the whole file.
        limits: what is refused.

    Raises:
        NeedsPreparingError: a photo of a format, size or kind that the model does not take.
        NotAPhotoError: not a photo, damaged, or a decompression bomb.
    """
    kind = check_kind(data[:HEAD_BYTES])
    structure = structure_of(data)
    if structure is None:
        text = f"{kind.name} is not among the formats the model takes"
        raise NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, text)
    width, height = structure.width, structure.height
    if structure.orientation >= FIRST_LYING:
        width, height = height, width
    fitted = fitting(width, height, limits)
    if structure.oddity:
        raise NeedsPreparingError(*structure.oddity)
    if fitted != (width, height):
        raise NeedsPreparingError(*_why_resized(width, height, limits))
    return Photo(
        format=structure.format,
        width=width,
        height=height,
        sha256=hashlib.sha256(data).hexdigest(),
        orientation=structure.orientation,
    )


def check_kind(head: bytes) -> Kind:
    """What kind of picture a file begins like.

    Args:
        head: the first `HEAD_BYTES` bytes of the file.

    Raises:
        NotAPhotoError: no picture, or one of a kind that is not decoded, which is named.
    """
    kind = kind_of(head)
    if kind is None:
        raise NotAPhotoError(Reason.NOT_A_PHOTO, "the content is not a picture, whatever its name")
    if not kind.is_decoded:
        raise NotAPhotoError(Reason.UNSUPPORTED_FORMAT, f"{kind.name} is not decoded")
    return kind


def fitting(width: int, height: int, limits: PhotoLimits) -> Size:
    """The size nearest to a photo's, in its shape, that the model takes.

    Raises:
        NotAPhotoError: no pixels, too many to be decoded, or a shape of which no size fits.
    """
    pixels = width * height
    if pixels == 0:
        raise NotAPhotoError(Reason.DAMAGED_PHOTO, "the picture has no pixels")
    if pixels > max(MOST_DECODED_PIXELS, limits.max_pixels):
        text = f"{pixels:,} pixels; at most {MOST_DECODED_PIXELS:,} are decoded"
        raise NotAPhotoError(Reason.TOO_MANY_PIXELS, text)
    largest = min(limits.max_side / max(width, height), sqrt(limits.max_pixels / pixels))
    smallest = limits.min_side / min(width, height)
    if smallest > largest:
        text = f"{width} x {height} pixels, in no size of this shape, {_sides(limits)}"
        raise NotAPhotoError(Reason.TOO_ELONGATED, text)
    scale = min(max(1.0, smallest), largest)
    return _scaled(width, scale, limits), _scaled(height, scale, limits)


def _scaled(side: int, scale: float, limits: PhotoLimits) -> int:
    # A product that is whole but for floating point is not rounded down.
    return min(max(int(side * scale + 1e-6), limits.min_side), limits.max_side)


def _why_resized(width: int, height: int, limits: PhotoLimits) -> tuple[Reason, str]:
    if min(width, height) < limits.min_side:
        return Reason.TOO_SMALL, f"{width} x {height} pixels, {_sides(limits)}"
    if max(width, height) > limits.max_side:
        return Reason.SIDE_TOO_LONG, f"{width} x {height} pixels, {_sides(limits)}"
    text = (
        f"{width * height:,} pixels; at most {limits.max_pixels:,} are taken (setting max_pixels)"
    )
    return Reason.TOO_MANY_PIXELS, text


def _sides(limits: PhotoLimits) -> str:
    return f"has not the {limits.min_side} to {limits.max_side} pixels a side that the model takes"
