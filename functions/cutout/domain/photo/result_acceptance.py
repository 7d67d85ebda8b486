"""Checks whether a result is the cut-out that was paid for."""

from __future__ import annotations

import struct
from io import SEEK_END
from typing import BinaryIO

from cutout.domain.job.photo import Photo
from cutout.domain.photo.embedded_data import FIRST_LYING
from cutout.domain.photo.picture import Picture
from cutout.domain.photo.png_chunks import SIGNATURE
from cutout.domain.reasons import Reason

_ASPECT_TOLERANCE = 0.02
_CLEAR, _SOLID = 0, 255
_LEAST_SIDE = 240  # pixels of the longer side; a smaller result of a larger photo is a thumbnail


def why_not(picture: Picture | None, photo: Photo) -> Reason | None:
    """Why a person must review a result; None if it is accepted.

    Args:
        picture: the decoded result; None if it cannot be decoded.
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


def why_not_published(cut_out: Picture, photo: Photo) -> Reason | None:
    """Why a person must review a finished cut-out; None if it may be published."""
    # It may be empty although its result was accepted: the model's subject may be transparent in
    # the photo.
    if cut_out.alpha_range is not None and cut_out.alpha_range[1] == _CLEAR:
        return Reason.RESULT_EMPTY
    if not has_aspect(cut_out, photo.width, photo.height):
        return Reason.RESULT_ASPECT_DIFFERS
    return None


def has_aspect(picture: Picture, width: int, height: int) -> bool:
    """True if the picture has the aspect ratio of width to height, apart from rounding."""
    expected = width / height
    actual = picture.width / picture.height
    # One pixel of rounding on the shorter side is no difference.
    slack = max(_ASPECT_TOLERANCE, 1.5 / min(picture.width, picture.height))
    return abs(actual / expected - 1) <= slack


def begins_as_picture(head: bytes) -> bool:
    """True if a file begins like one of the formats of results."""
    is_webp = head.startswith(b"RIFF") and head[8:MAGIC_BYTES] == b"WEBP"
    return is_webp or head.startswith((SIGNATURE, b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))


def breaks_off(file: BinaryIO) -> bool:
    """True if a PNG, JPEG or WebP file ends before its end mark; False for other formats."""
    # Only marks and lengths are read, so a large file needs no memory.
    head = file.read(MAGIC_BYTES)
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


MAGIC_BYTES = 12
# The end mark of a JPEG must be among its last bytes; some programs append data to it.
_TAIL = 65_536


def _longer(sized: Picture | Photo) -> int:
    return max(sized.width, sized.height)
