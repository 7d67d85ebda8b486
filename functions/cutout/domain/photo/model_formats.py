"""Reads the structure of files in the formats that the model accepts; nothing is decoded.

Formats: PNG (ISO/IEC 15948, APNG), JPEG (ITU-T T.81), GIF 89a, WebP (RFC 9649), Exif (CIPA DC-008).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from mmap import mmap

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NotAPhotoError
from cutout.domain.photo.exif_and_profile import exif_orientation, is_adobe_rgb, is_srgb
from cutout.domain.photo.jpeg_segments import MOST_SCANS, read_jpeg
from cutout.domain.photo.png_chunks import SIGNATURE, read_png
from cutout.domain.reasons import Reason

Bytes = bytes | mmap
Oddity = tuple[Reason, str]
"""Why the model does not accept a photo without a copy: the reason and a message."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Structure:
    """The structure of a whole file in a format that the model accepts.

    Attributes:
        width: pixels, as stored.
        height: pixels, as stored.
        orientation: how the picture must be turned to be shown, 1 to 8 as in Exif.
        oddity: why the model does not accept this file; None if it does.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    oddity: Oddity | None = None


def structure_of(data: Bytes) -> Structure | None:
    """Read a whole file; None if the model does not accept its format.

    Raises:
        NotAPhotoError: it is damaged.
    """
    read = next((read for magic, read in _READERS if data[: len(magic)] == magic), None)
    if read is None:
        return None
    try:
        return read(data)
    except (struct.error, IndexError, ValueError) as exc:
        raise _damaged("the file ends too early or contradicts itself") from exc


def _read_png(data: Bytes) -> Structure:
    png = read_png(data)
    if b"CgBI" in png.chunks:
        # Its pixels are not as PNG stores them, and no checksum tells.
        raise _unsupported("Apple's variant of PNG (CgBI), used inside apps, is not decoded")
    oddities = (
        (not png.is_sound, _damaged_aside("a comment's checksum is wrong")),
        (not png.is_ended, _damaged_aside("the end mark is missing")),
        (png.has_long_text, _LONG_COMMENT),
        (b"acTL" in png.chunks, _ANIMATED),
        (png.depth == _DEEP_COLOUR, _DEEP),
        (not png.is_srgb, _COLOURED),
        (png.has_alpha, _TRANSPARENT),
    )
    exif = png.chunks.get(b"eXIf")
    return Structure(
        format="png",
        width=png.width,
        height=png.height,
        orientation=exif_orientation(exif) if exif else 1,
        oddity=_first(oddities),
    )


def _read_jpeg(data: Bytes) -> Structure:
    jpeg = read_jpeg(data)
    if jpeg.depth != _SHALLOW or jpeg.process not in _DECODED_PROCESSES:
        kind = _PROCESSES.get(jpeg.process, "hierarchical")
        raise _unsupported(f"a JPEG of {jpeg.depth} bits a sample ({kind}) is not decoded")
    if jpeg.height == 0:
        raise _unsupported("a JPEG whose height follows its pixels (DNL) is not decoded")
    if jpeg.components not in _DECODED_COMPONENTS:
        raise _unsupported(f"a JPEG of {jpeg.components} components is not decoded")
    if jpeg.scans > MOST_SCANS:
        raise _unsupported(f"a JPEG of more than {MOST_SCANS} scans is not decoded")
    oddities = (
        (jpeg.end is None, _damaged_aside("the end mark is missing")),
        (jpeg.has_strays, _damaged_aside("there are stray bytes between its segments")),
        (jpeg.components == _CMYK_COMPONENTS, _CMYK),
        (jpeg.process in _ARITHMETIC, _ARITHMETICALLY_CODED),
        (not is_srgb(jpeg.profile), _COLOURED),
        (not jpeg.profile and is_adobe_rgb(jpeg.exif), _COLOURED),
    )
    return Structure(
        format="jpeg",
        width=jpeg.width,
        height=jpeg.height,
        orientation=exif_orientation(jpeg.exif) if jpeg.exif else 1,
        oddity=_first(oddities),
    )


def _first(oddities: Iterable[tuple[bool, Oddity]]) -> Oddity | None:
    return next((oddity for is_so, oddity in oddities if is_so), None)


def _read_gif(data: Bytes) -> Structure:
    # All blocks are walked to the trailer, since its byte may also occur in the pixels.
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _gif_colours(flags)
    frames: list[Size] = []
    is_clear = False
    while data[at : at + 1] in _GIF_BLOCKS:
        if data[at] == _GIF_IMAGE:
            frames.append(struct.unpack_from("<HH", data, at + 5))
            at += 11 + _gif_colours(data[at + 9])
        else:
            is_clear |= data[at + 1] == _GIF_CONTROL and bool(data[at + 3] & 1)
            at += 2
        # Sub-blocks follow, each with its length, and an empty one ends them (GIF 89a, 15).
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    if not frames:
        raise _damaged("the GIF has no picture in it")
    oddities = (
        (len(frames) > 1, _ANIMATED),
        (data[at : at + 1] != _GIF_TRAILER, _damaged_aside("the end mark is missing")),
        (not width or not height, _damaged_aside("it has no screen size")),
        (is_clear, _TRANSPARENT),
    )
    size = (width, height) if width and height else frames[0]
    return Structure(format="gif", width=size[0], height=size[1], oddity=_first(oddities))


def _gif_colours(flags: int) -> int:
    """The size in bytes of the colour table that follows a GIF block."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _read_webp(data: Bytes) -> Structure | None:
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
    oddities = (
        (b"ANIM" in chunks, _ANIMATED),
        (not is_srgb(chunks.get(b"ICCP", b"")), _COLOURED),
        (_has_webp_alpha(chunks), _TRANSPARENT),
    )
    exif = chunks.get(b"EXIF")
    return Structure(
        format="webp",
        width=width,
        height=height,
        orientation=exif_orientation(exif) if exif else 1,
        oddity=_first(oddities),
    )


def _has_webp_alpha(chunks: dict[bytes, bytes]) -> bool:
    """True if lossy pixels have an alpha chunk, or lossless ones the alpha flag (RFC 9649)."""
    lossless = chunks.get(b"VP8L")
    return b"ALPH" in chunks or (lossless is not None and bool(lossless[4] & 0x10))


def _riff_chunks(data: Bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    end = 8 + int.from_bytes(data[4:8], "little")
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise _damaged("a chunk of the WebP is longer than the file")
        yield kind, data[at + 8 : at + 8 + length]
        # Chunks of odd length are padded (RFC 9649, 2.3).
        at += 8 + length + length % 2


def _vp8x_size(body: bytes) -> Size:
    return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")


def _vp8l_size(body: bytes) -> Size:
    (bits,) = struct.unpack_from("<I", body, 1)
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _vp8_size(body: bytes) -> Size:
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def _damaged(message: str) -> NotAPhotoError:
    return NotAPhotoError(Reason.DAMAGED_PHOTO, message)


def _unsupported(message: str) -> NotAPhotoError:
    return NotAPhotoError(Reason.UNSUPPORTED_FORMAT, message)


def _damaged_aside(message: str) -> Oddity:
    """Damage that viewers ignore: a repaired copy is sent."""
    return Reason.DAMAGED_PHOTO, message


_READERS: tuple[tuple[bytes, Callable[[Bytes], Structure | None]], ...] = (
    (SIGNATURE, _read_png),
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
_DEEP = (Reason.UNSUPPORTED_FORMAT, "the model does not accept 16 bits a channel")
_CMYK = (Reason.UNSUPPORTED_FORMAT, "the model does not accept CMYK")
_ARITHMETICALLY_CODED = (
    Reason.UNSUPPORTED_FORMAT,
    "the model does not accept a JPEG with arithmetic coding",
)
_LONG_COMMENT = (Reason.UNSUPPORTED_FORMAT, "a comment in it is longer than decoders accept")
_COLOURED = (Reason.UNSUPPORTED_FORMAT, "its colours are not in sRGB, which the model expects")
_TRANSPARENT = (Reason.UNSUPPORTED_FORMAT, "it may be transparent, which the model does not keep")
_ANIMATED = (Reason.ANIMATED, "the model does not accept animations")
_DEEP_COLOUR, _SHALLOW = 16, 8
_CMYK_COMPONENTS = 4
_DECODED_COMPONENTS = frozenset({1, 3, _CMYK_COMPONENTS})
_ARITHMETIC = frozenset({9, 10})
_DECODED_PROCESSES = frozenset({0, 1, 2}) | _ARITHMETIC
_PROCESSES = {
    1: "extended",
    2: "progressive",
    3: "lossless",
    9: "arithmetic",
    11: "lossless",
    0x37: "JPEG-LS",
}
_GIF_IMAGE, _GIF_CONTROL = 0x2C, 0xF9
_GIF_BLOCKS, _GIF_TRAILER = frozenset({b",", b"!"}), b";"
