"""What picture files say of themselves: read from their structure alone, nothing is decoded.

Formats: PNG (ISO/IEC 15948, APNG), JPEG (ITU-T T.81), GIF 89a, WebP (RFC 9649), Exif (CIPA DC-008).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cutout.errors import NotAPhotoError
from cutout.states import Reason

Size = tuple[int, int]
"""Width and height in pixels."""
LAST_ORIENTATION = 8
"""Exif counts from 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Structure:
    """What a whole file of a format that the model takes says of itself.

    Attributes:
        width: pixels, as the picture is stored.
        height: the same.
        orientation: how it must be turned to be shown, 1 to 8 as in Exif.
        oddity: why the model does not take this one, or None: the reason and the words for it.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    oddity: tuple[Reason, str] | None = None


def begins_like_a_photo(head: bytes) -> bool:
    """Its first bytes are those of a format that the model takes."""
    is_webp = head[8:12] == b"WEBP"
    return any(head.startswith(magic) for magic, _ in _READERS) and (
        is_webp or not head.startswith(b"RIFF")
    )


def structure_of(data: bytes) -> Structure | None:
    """Read a whole file; None if it is of no format that the model takes.

    Raises:
        NotAPhotoError: it is damaged.
    """
    read = next((read for magic, read in _READERS if data.startswith(magic)), None)
    if read is None:
        return None
    try:
        return read(data)
    except (struct.error, IndexError, ValueError) as exc:
        raise _damaged("the file ends too early or contradicts itself") from exc


def _read_png(data: bytes) -> Structure:
    width, height, depth = 0, 0, 0
    orientation, oddity = 1, None
    for kind, body in _png_chunks(data):
        if kind == b"IHDR":
            width, height, depth = struct.unpack(">IIB", body[:9])
        elif kind == b"eXIf":
            orientation = exif_orientation(body)
        elif kind == b"acTL":
            oddity = _ANIMATED
    if depth == _DEEP_COLOUR:
        oddity = _DEEP
    return Structure(
        format="png", width=width, height=height, orientation=orientation, oddity=oddity
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise _damaged("a PNG chunk's checksum is wrong")
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + length


def _read_jpeg(data: bytes) -> Structure:
    at, orientation = 2, 1
    size, components = None, 0
    while True:
        marker, at = _next_marker(data, at)
        if marker == _START_OF_SCAN:
            break
        (length,) = struct.unpack_from(">H", data, at)
        body = data[at + 2 : at + length]
        if marker in _START_OF_FRAME:
            _precision, height, width, components = struct.unpack_from(">BHHB", body)
            size = width, height
        elif marker == _APP1 and body.startswith(b"Exif\0\0"):
            orientation = exif_orientation(body[6:])
        at += length
    # FFD9 cannot occur inside a scan: there every FF is followed by 00 or a restart marker.
    if size is None or data.find(b"\xff\xd9", at) < 0:
        raise _damaged("the JPEG is cut short")
    return Structure(
        format="jpeg",
        width=size[0],
        height=size[1],
        orientation=orientation,
        oddity=_CMYK if components == _CMYK_COMPONENTS else None,
    )


def _next_marker(data: bytes, at: int) -> Size:
    if data[at] != _MARKER:
        raise _damaged("no JPEG marker where one must be")
    while data[at] == _MARKER:
        at += 1
    return data[at], at + 1


def _read_gif(data: bytes) -> Structure:
    """The blocks are walked to the trailer: its byte alone may stand anywhere in the pixels."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _gif_colours(flags)
    frames = 0
    while data[at] != _GIF_TRAILER:
        if data[at] == _GIF_IMAGE:
            frames += 1
            at += 11 + _gif_colours(data[at + 9])
        elif data[at] == _GIF_EXTENSION:
            at += 2
        else:
            raise _damaged("no GIF block where one must be")
        while data[at]:
            at += 1 + data[at]
        at += 1
    if not frames:
        raise _damaged("the GIF has no picture in it")
    oddity = _ANIMATED if frames > 1 else None
    return Structure(format="gif", width=width, height=height, oddity=oddity)


def _gif_colours(flags: int) -> int:
    """Bytes of the colour table that a GIF block announces."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _read_webp(data: bytes) -> Structure | None:
    length, kind = struct.unpack_from("<I4s", data, 4)
    if kind != b"WEBP":
        return None
    if len(data) < length + 8:
        raise _damaged("the WebP is cut short")
    chunks = dict(_riff_chunks(data))
    name = next((name for name in _WEBP_SIZES if name in chunks), None)
    if name is None:
        raise _damaged("the WebP has no picture in it")
    width, height = _WEBP_SIZES[name](chunks[name])
    return Structure(
        format="webp",
        width=width,
        height=height,
        orientation=exif_orientation(chunks[b"EXIF"]) if b"EXIF" in chunks else 1,
        oddity=_ANIMATED if b"ANIM" in chunks else None,
    )


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _vp8x_size(body: bytes) -> Size:
    return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")


def _vp8l_size(body: bytes) -> Size:
    (bits,) = struct.unpack_from("<I", body, 1)
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _vp8_size(body: bytes) -> Size:
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def exif_orientation(tiff: bytes) -> int:
    """The orientation that an Exif block tells, 1 to 8; 1 when it is missing or unreadable."""
    tiff = tiff.removeprefix(b"Exif\0\0")
    order = "<" if tiff.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for index in range(count):
            tag, _kind, _n, value = struct.unpack_from(
                order + "HHIH",
                tiff,
                directory + 2 + 12 * index,
            )
            if tag == _ORIENTATION_TAG:
                return int(value) if 1 <= value <= LAST_ORIENTATION else 1
    except struct.error:
        return 1
    return 1


def _damaged(message: str) -> NotAPhotoError:
    return NotAPhotoError(Reason.DAMAGED_PHOTO, message)


_READERS: tuple[tuple[bytes, Callable[[bytes], Structure | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _read_png),
    (b"\xff\xd8\xff", _read_jpeg),
    (b"GIF87a", _read_gif),
    (b"GIF89a", _read_gif),
    (b"RIFF", _read_webp),
)
_WEBP_SIZES: dict[bytes, Callable[[bytes], Size]] = {
    b"VP8X": _vp8x_size,
    b"VP8L": _vp8l_size,
    b"VP8 ": _vp8_size,
}
_DEEP = (Reason.UNSUPPORTED_FORMAT, "16 bits a channel are not among what the model takes")
_CMYK = (Reason.UNSUPPORTED_FORMAT, "CMYK is not among what the model takes")
_ANIMATED = (Reason.ANIMATED, "animations are not among what the model takes")
_DEEP_COLOUR = 16
_CMYK_COMPONENTS = 4
_MARKER = 0xFF
_APP1 = 0xE1
_START_OF_SCAN = 0xDA
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_GIF_IMAGE, _GIF_EXTENSION, _GIF_TRAILER = 0x2C, 0x21, 0x3B
_ORIENTATION_TAG = 0x0112
