"""Is a result the cut-out that was paid for?"""

from __future__ import annotations

import struct
from io import SEEK_END
from typing import BinaryIO

from cutout.domain.job.job import Photo
from cutout.domain.photo.picture import Picture
from cutout.domain.states import Reason

_ASPECT_TOLERANCE = 0.02
_CLEAR, _SOLID = 0, 255
_LEAST_SIDE = 240
"""Pixels: the model's own least dimension (error-code page); a cut-out below it is a thumbnail."""
_FIRST_LYING = 5
"""The first of the Exif orientations that change width and height."""


def why_not(picture: Picture | None, photo: Photo) -> Reason | None:
    """The reason why a result needs a person's eye, or None if it is accepted.

    A result that lies on its side, as the photo is stored, is accepted: it is turned later.

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
    shapes = [(photo.width, photo.height)]
    if photo.orientation >= _FIRST_LYING:
        shapes.append((photo.height, photo.width))
    if not any(has_aspect(picture, width, height) for width, height in shapes):
        return Reason.RESULT_ASPECT_DIFFERS
    return None


def why_not_published(cut_out: Picture, photo: Photo) -> Reason | None:
    """The reason why a finished cut-out needs a person's eye; None if it may be published.

    A result may be accepted and its cut-out show nothing: what the model found may be what is clear
    in the photo.
    """
    if cut_out.alpha_range is not None and cut_out.alpha_range[1] == _CLEAR:
        return Reason.RESULT_EMPTY
    if not has_aspect(cut_out, photo.width, photo.height):
        return Reason.RESULT_ASPECT_DIFFERS
    return None


def has_aspect(picture: Picture, width: int, height: int) -> bool:
    """The picture has the aspect ratio of a rectangle, give or take what rounding makes of it."""
    expected = width / height
    actual = picture.width / picture.height
    # One pixel of rounding on the shorter side is no difference.
    slack = max(_ASPECT_TOLERANCE, 1.5 / min(picture.width, picture.height))
    return abs(actual / expected - 1) <= slack


def begins_as_picture(head: bytes) -> bool:
    """Whether a file's first bytes are those of a format that results come in."""
    is_webp = head.startswith(b"RIFF") and head[8:MAGIC_BYTES] == b"WEBP"
    return is_webp or head.startswith((_PNG, b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))


def breaks_off(file: BinaryIO) -> bool:
    """Whether a PNG, JPEG or WebP file ends before its end mark: the rest did not come.

    What follows the end mark is no matter; nor is what is none of these. Only marks and lengths are
    read, so that the largest file costs no memory.
    """
    head = file.read(MAGIC_BYTES)
    size = file.seek(0, SEEK_END)
    if head.startswith(_PNG):
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
_PNG = b"\x89PNG\r\n\x1a\n"
_TAIL = 65_536
"""Bytes at the end of a JPEG among which its mark must be; some writers add their own after it."""


def _longer(sized: Picture | Photo) -> int:
    return max(sized.width, sized.height)
