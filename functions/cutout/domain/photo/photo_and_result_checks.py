"""What is accepted: a photo by the model before anything is paid, and a result as its cut-out.

A photo is accepted as it is, needs a copy, or is refused. Only the structure of its file is read.
Nothing is decoded, so a decompression bomb is refused by its header.
"""

from __future__ import annotations

import hashlib
import struct
from io import SEEK_END
from math import sqrt
from typing import BinaryIO

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NeedsPreparingError, NotAPhotoError
from cutout.domain.job.source import Photo
from cutout.domain.photo.exif_and_profile import FIRST_LYING
from cutout.domain.photo.formats import HEAD_BYTES, FileKind, kind_of
from cutout.domain.photo.model_formats import Size, structure_of
from cutout.domain.photo.png_chunks import SIGNATURE
from cutout.domain.reasons import Reason

MOST_DECODED_PIXELS = 200_000_000
"""The largest pictures that cameras make; a larger one is treated as a decompression bomb.

Four bytes a pixel for the decoded picture, and as many for its copy, fit into Prepare's memory.
"""
_MAGIC_BYTES = 12
_TAIL = 65_536
"""The end mark of a JPEG must be among its last bytes; some programs append data to it."""
_ASPECT_TOLERANCE = 0.02
_CLEAR, _SOLID = 0, 255
_LEAST_SIDE = 240
"""Pixels of the longer side; a smaller result of a larger photo is a thumbnail."""


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
    structure = structure_of(data)
    if structure is None:
        text = f"the model does not accept {check_kind(data[:HEAD_BYTES]).name}"
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


def check_kind(head: bytes) -> FileKind:
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
    text = f"{width} x {height} pixels: each side must be {_sides(limits)}"
    if min(width, height) < limits.min_side:
        return Reason.TOO_SMALL, text
    if max(width, height) > limits.max_side:
        return Reason.SIDE_TOO_LONG, text
    most = f"at most {limits.max_pixels:,} are accepted (setting max_pixels)"
    return Reason.TOO_MANY_PIXELS, f"{width * height:,} pixels; {most}"


def _sides(limits: PhotoLimits) -> str:
    return f"{limits.min_side} to {limits.max_side} pixels"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A decoded picture: its pixels, as shown, and the range of its alpha.

    Attributes:
        format: as Pillow names it, in lower case.
        alpha_range: least and greatest, 0 clear to 255 solid; None without transparency.
        orientation: how the stored pixels must be turned to be shown, 1 to 8 as in Exif.
    """

    format: str
    width: int
    height: int
    alpha_range: tuple[int, int] | None
    orientation: int = 1


def why_result_needs_review(picture: Picture | None, photo: Photo) -> Reason | None:
    """Why a person must review a result, or a finished cut-out; None if it is accepted.

    Args:
        picture: as decoded; None if it cannot be decoded.
        photo: what was sent.
    """
    if picture is None:
        return Reason.RESULT_NOT_AN_IMAGE
    if picture.alpha_range is None or picture.alpha_range[0] == _SOLID:
        return Reason.RESULT_OPAQUE
    if picture.alpha_range[1] == _CLEAR:
        return Reason.RESULT_EMPTY
    if _longer(picture) < min(_LEAST_SIDE, _longer(photo) / 2):
        return Reason.RESULT_TOO_SMALL
    # A result that lies on its side, like the stored photo, is turned later.
    shapes = [(photo.width, photo.height)]
    if photo.orientation >= FIRST_LYING:
        shapes.append((photo.height, photo.width))
    if not any(has_aspect(picture, width, height) for width, height in shapes):
        return Reason.RESULT_ASPECT_DIFFERS
    return None


def has_aspect(picture: Picture, width: int, height: int) -> bool:
    """True if the picture has the aspect ratio of width to height, apart from rounding."""
    expected = width / height
    actual = picture.width / picture.height
    # One pixel of rounding on the shorter side is no difference.
    slack = max(_ASPECT_TOLERANCE, 1.5 / min(picture.width, picture.height))
    return abs(actual / expected - 1) <= slack


def begins_as_picture(file: BinaryIO) -> bool:
    """True if a file begins like one of the formats of results."""
    head = file.read(_MAGIC_BYTES)
    is_webp = head.startswith(b"RIFF") and head[8:] == b"WEBP"
    return is_webp or head.startswith((SIGNATURE, b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))


def breaks_off(file: BinaryIO) -> bool:
    """True if a PNG, JPEG or WebP file ends before its end mark; False for other formats."""
    # Only marks and lengths are read, so a large file needs no memory.
    head = file.read(_MAGIC_BYTES)
    size = file.seek(0, SEEK_END)
    if head.startswith(SIGNATURE):
        return not _reaches_iend(file, size)
    if head.startswith(b"RIFF"):
        length: int = int.from_bytes(head[4:8], "little")
        return size < length + 8
    file.seek(max(0, size - _TAIL))
    return head.startswith(b"\xff\xd8\xff") and b"\xff\xd9" not in file.read()


def _reaches_iend(file: BinaryIO, size: int) -> bool:
    """The chunks of a PNG (ISO/IEC 15948) follow each other: length, kind, body, checksum."""
    at = 8
    while at + 12 <= size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        at += 12 + int(length)
        if kind == b"IEND":
            return at <= size
    return False


def _longer(sized: Picture | Photo) -> int:
    return max(sized.width, sized.height)
