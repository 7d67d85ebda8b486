"""Checks a file before anything is paid: the model accepts it, needs a copy of it, or neither.

Only the structure of the file is read. Nothing is decoded, so a decompression bomb is refused by
its header.
"""

from __future__ import annotations

import hashlib
from math import sqrt

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NeedsPreparingError, NotAPhotoError
from cutout.domain.job.photo import Photo
from cutout.domain.photo.embedded_data import FIRST_LYING
from cutout.domain.photo.formats import HEAD_BYTES, Kind, kind_of
from cutout.domain.photo.model_formats import Size, structure_of
from cutout.domain.reasons import Reason

MOST_DECODED_PIXELS = 200_000_000
"""The largest pictures that cameras make; a larger one is treated as a decompression bomb.

Four bytes a pixel for the decoded picture, and as many for its copy, fit into Prepare's memory.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoLimits:
    """What the model accepts, and what can be prepared for it.

    Attributes:
        max_bytes: of the file.
        max_pixels: width times height.
        min_side: pixels of the shorter side.
        max_side: pixels of the longer side.
        prepare_max_bytes: the largest file that is prepared; 0 if none is.
    """

    max_bytes: int
    max_pixels: int
    min_side: int = 1
    max_side: int = 1_000_000
    prepare_max_bytes: int = 0


def check_size(key: str, size: int, limits: PhotoLimits) -> None:
    """Check an object's key and size, before any byte is read.

    Raises:
        NeedsPreparingError: more bytes than the model accepts.
        NotAPhotoError: a folder marker, an empty object, or too many bytes to be prepared.
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
    return f"{size:,} bytes; at most {most:,} are accepted (setting {setting})"


def inspect(data: bytes, limits: PhotoLimits) -> Photo:
    """The format and size of a photo that the model accepts without a copy.

    Args:
        data: the whole file.
        limits: what the model accepts.

    Raises:
        NeedsPreparingError: a photo whose format, size or kind the model does not accept.
        NotAPhotoError: not a photo, damaged, or a decompression bomb.
    """
    kind = check_kind(data[:HEAD_BYTES])
    structure = structure_of(data)
    if structure is None:
        text = f"the model does not accept {kind.name}"
        raise NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, text)
    width, height = structure.width, structure.height
    if structure.orientation >= FIRST_LYING:
        width, height = height, width
    # First: a photo that fits in no size is refused, whatever else a copy would repair.
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
    """The kind of picture, by the file's first bytes.

    Args:
        head: the first `HEAD_BYTES` bytes of the file.

    Raises:
        NotAPhotoError: not a picture, or of a kind that cannot be decoded, which it names.
    """
    kind = kind_of(head)
    if kind is None:
        raise NotAPhotoError(Reason.NOT_A_PHOTO, "the content is not a picture, whatever its name")
    if not kind.is_decoded:
        raise NotAPhotoError(Reason.UNSUPPORTED_FORMAT, f"{kind.name} is not decoded")
    return kind


def fitting(width: int, height: int, limits: PhotoLimits) -> Size:
    """The accepted size that is nearest to a photo's and has its shape.

    Raises:
        NotAPhotoError: no pixels, too many to be decoded, or no size of this shape is accepted.
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
        text = f"{width} x {height} pixels: no size of this shape has sides of {_sides(limits)}"
        raise NotAPhotoError(Reason.TOO_ELONGATED, text)
    scale = min(max(1.0, smallest), largest)
    return _scaled(width, scale, limits), _scaled(height, scale, limits)


def _scaled(side: int, scale: float, limits: PhotoLimits) -> int:
    # A product such as 239.9999999 is 240 with an error of floating point.
    return min(max(int(side * scale + 1e-6), limits.min_side), limits.max_side)


def _why_resized(width: int, height: int, limits: PhotoLimits) -> tuple[Reason, str]:
    if min(width, height) < limits.min_side:
        return Reason.TOO_SMALL, f"{width} x {height} pixels: each side must be {_sides(limits)}"
    if max(width, height) > limits.max_side:
        return (
            Reason.SIDE_TOO_LONG,
            f"{width} x {height} pixels: each side must be {_sides(limits)}",
        )
    most = f"at most {limits.max_pixels:,} are accepted (setting max_pixels)"
    return Reason.TOO_MANY_PIXELS, f"{width * height:,} pixels; {most}"


def _sides(limits: PhotoLimits) -> str:
    return f"{limits.min_side} to {limits.max_side} pixels"
