"""What a file is, from its own bytes: checked before anything is paid.

Only structure is read, nothing is decoded: a decompression bomb is refused by its header.
Formats: PNG (ISO/IEC 15948), JPEG (ITU-T T.81), GIF 89a, WebP (RFC 9649), Exif (CIPA DC-008).
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cutout.colour_profile import profile_name
from cutout.errors import NotAPhotoError
from cutout.job import Photo
from cutout.states import Reason

Size = tuple[int, int]
"""Width and height in pixels."""
Shape = tuple[int, int, int]
"""Width and height as the picture is stored, and its Exif orientation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoLimits:
    """What the model takes: bytes of the file, pixels of the picture."""

    max_bytes: int
    max_pixels: int


def check_size(key: str, size: int, limits: PhotoLimits) -> None:
    """Refuse what its name and size alone give away, before a byte is read.

    Raises:
        NotAPhotoError: a folder marker, an empty object or too many bytes.
    """
    if key.endswith("/"):
        raise NotAPhotoError(Reason.FOLDER_MARKER, "the key ends in '/': a folder, not a photo")
    if size == 0:
        raise NotAPhotoError(Reason.EMPTY_OBJECT, "the object is empty")
    if size > limits.max_bytes:
        text = f"{size:,} bytes; at most {limits.max_bytes:,} are taken (setting max_bytes)"
        raise NotAPhotoError(Reason.TOO_MANY_BYTES, text)


def inspect(data: bytes, limits: PhotoLimits) -> Photo:
    """Format and size of a photo that the model takes.

    Args:
        data: the whole file.
        limits: what is refused.

    Raises:
        NotAPhotoError: not a photo, damaged, a format the model does not take, or too large.
    """
    _refuse_other_formats(data)
    known = next((known for known in _READERS if data.startswith(known[0])), None)
    if known is None:
        raise NotAPhotoError(Reason.NOT_A_PHOTO, "the content is not a picture, whatever its name")
    _magic, format_, read = known
    try:
        width, height, orientation = read(data)
    except (struct.error, IndexError, ValueError) as exc:
        raise _damaged("the file ends too early or contradicts itself") from exc
    _check_pixels(width * height, limits)
    digest = hashlib.sha256(data).hexdigest()
    if orientation >= _FIRST_TURNED:
        width, height = height, width
    return Photo(
        format=format_,
        width=width,
        height=height,
        sha256=digest,
        orientation=orientation,
        profile=profile_name(data, format_),
    )


def _check_pixels(pixels: int, limits: PhotoLimits) -> None:
    if pixels == 0:
        raise _damaged("the picture has no pixels")
    if pixels > limits.max_pixels:
        text = f"{pixels:,} pixels; at most {limits.max_pixels:,} are taken (setting max_pixels)"
        raise NotAPhotoError(Reason.TOO_MANY_PIXELS, text)


_OTHER_FORMATS = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"BM": "BMP",
    b"8BPS": "Photoshop",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
}
_ISO_BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"mif1": "HEIF",
    b"msf1": "HEIF",
}


def _refuse_other_formats(data: bytes) -> None:
    name = next((name for magic, name in _OTHER_FORMATS.items() if data.startswith(magic)), None)
    if data[4:8] == b"ftyp":
        name = _ISO_BRANDS.get(data[8:12], name)
    if name:
        raise _unsupported(f"{name} is not among the formats the model takes")


def _read_png(data: bytes) -> Shape:
    width, height, depth = 0, 0, 0
    orientation = 1
    for kind, body in _png_chunks(data):
        if kind == b"IHDR":
            width, height, depth = struct.unpack(">IIB", body[:9])
        elif kind == b"eXIf":
            orientation = _orientation(body)
    if depth == _DEEP_COLOUR:
        raise _unsupported("16 bits a channel are not among what the model takes")
    return width, height, orientation


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


def _read_jpeg(data: bytes) -> Shape:
    at, orientation = 2, 1
    size: Size | None = None
    while True:
        marker, at = _next_marker(data, at)
        if marker == _START_OF_SCAN:
            break
        (length,) = struct.unpack_from(">H", data, at)
        body = data[at + 2 : at + length]
        if marker in _START_OF_FRAME:
            size = _frame_size(body)
        elif marker == _APP1 and body.startswith(b"Exif\0\0"):
            orientation = _orientation(body[6:])
        at += length
    # FFD9 cannot occur inside a scan: there every FF is followed by 00 or a restart marker.
    if size is None or data.find(b"\xff\xd9", at) < 0:
        raise _damaged("the JPEG is cut short")
    return *size, orientation


def _next_marker(data: bytes, at: int) -> Size:
    if data[at] != _MARKER:
        raise _damaged("no JPEG marker where one must be")
    while data[at] == _MARKER:
        at += 1
    return data[at], at + 1


def _frame_size(body: bytes) -> Size:
    _precision, height, width, components = struct.unpack_from(">BHHB", body)
    if components == _CMYK_COMPONENTS:
        raise _unsupported("CMYK is not among what the model takes")
    return width, height


def _read_gif(data: bytes) -> Shape:
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
    return width, height, 1


def _gif_colours(flags: int) -> int:
    """Bytes of the colour table that a GIF block announces."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _read_webp(data: bytes) -> Shape:
    length, kind = struct.unpack_from("<I4s", data, 4)
    if kind != b"WEBP":
        raise NotAPhotoError(Reason.NOT_A_PHOTO, "a RIFF file, but not a WebP picture")
    if len(data) < length + 8:
        raise _damaged("the WebP is cut short")
    chunks = dict(_riff_chunks(data))
    orientation = _orientation(chunks[b"EXIF"]) if b"EXIF" in chunks else 1
    for name, size_of in _WEBP_SIZES.items():
        if name in chunks:
            return *size_of(chunks[name]), orientation
    raise _damaged("the WebP has no picture in it")


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


def _orientation(tiff: bytes) -> int:
    """The Exif orientation, 1 to 8; 1 when it is missing or unreadable."""
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
                return int(value) if 1 <= value <= _LAST_ORIENTATION else 1
    except struct.error:
        return 1
    return 1


def _damaged(message: str) -> NotAPhotoError:
    return NotAPhotoError(Reason.DAMAGED_PHOTO, message)


def _unsupported(message: str) -> NotAPhotoError:
    return NotAPhotoError(Reason.UNSUPPORTED_FORMAT, message)


_READERS: tuple[tuple[bytes, str, Callable[[bytes], Shape]], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png", _read_png),
    (b"\xff\xd8\xff", "jpeg", _read_jpeg),
    (b"GIF87a", "gif", _read_gif),
    (b"GIF89a", "gif", _read_gif),
    (b"RIFF", "webp", _read_webp),
)
_WEBP_SIZES: dict[bytes, Callable[[bytes], Size]] = {
    b"VP8X": _vp8x_size,
    b"VP8L": _vp8l_size,
    b"VP8 ": _vp8_size,
}
_DEEP_COLOUR = 16
_CMYK_COMPONENTS = 4
_MARKER = 0xFF
_APP1 = 0xE1
_START_OF_SCAN = 0xDA
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_GIF_IMAGE, _GIF_EXTENSION, _GIF_TRAILER = 0x2C, 0x21, 0x3B
_ORIENTATION_TAG = 0x0112
_FIRST_TURNED = 5
_LAST_ORIENTATION = 8
