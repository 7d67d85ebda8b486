"""Reads the chunks of a PNG file (ISO/IEC 15948:2004, W3C PNG third edition), no pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import field
from mmap import mmap
from typing import NamedTuple

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NotAPhotoError
from cutout.domain.photo.exif_and_profile import is_coded_srgb, is_srgb
from cutout.domain.reasons import Reason

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LONGEST_TEXT = 1_000_000
"""Total bytes of decompressed comments; decoders refuse a longer one (Pillow: 1 MiB)."""
LARGEST_PROFILE = 8_000_000
"""Bytes; more than any colour profile has."""
GAMMA_UNIT = 100_000
"""PNG stores gamma and chromaticities multiplied by this."""
_SRGB_GAMMA = 45_455  # 1 / 2.2, which viewers take for sRGB
_GAMMA_SLACK = 2_500
_SRGB_CHROMATICITIES = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
_CHROMATICITY_SLACK = 1_000
_LEAST_CHUNK = 12
_PIXELS = frozenset({b"IHDR", b"PLTE", b"IDAT"})
_KEPT = frozenset(
    {b"IHDR", b"eXIf", b"acTL", b"CgBI", b"tRNS", b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM"}
)
_COMPRESSED_TEXTS = frozenset({b"zTXt", b"iTXt"})
_GREY, _COLOUR, _PALETTE, _GREY_ALPHA, _COLOUR_ALPHA = 0, 2, 3, 4, 6
# Bits a sample that each colour type allows (table 11.1).
_DEPTHS = {
    _GREY: (1, 2, 4, 8, 16),
    _COLOUR: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GREY_ALPHA: (8, 16),
    _COLOUR_ALPHA: (8, 16),
}


class Chunk(NamedTuple):
    """One chunk: its kind, and the place of its body."""

    kind: bytes
    start: int
    length: int
    is_sound: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Png:
    """The contents of a PNG's chunks.

    Attributes:
        chunks: the first body of each kind that describes the picture.
        places: offset and length in the file of the chunks that pixels are decoded from, adjacent
            ones as one, without the end chunk.
        is_ended: it has the end chunk.
        is_sound: all checksums are right.
        has_long_text: its comments are longer than decoders accept.
        has_alpha: pixels may be transparent.
        profile: the ICC profile; empty without one, or if it cannot be unpacked.
        is_srgb: its colours are in sRGB.
    """

    width: int
    height: int
    depth: int
    colour: int
    chunks: dict[bytes, bytes] = field(repr=False)
    places: tuple[tuple[int, int], ...]
    is_ended: bool
    is_sound: bool
    has_long_text: bool
    has_alpha: bool
    profile: bytes = field(repr=False)
    is_srgb: bool

    @property
    def is_grey(self) -> bool:
        """True for grey pixels without a palette."""
        return self.colour in {_GREY, _GREY_ALPHA}

    @property
    def clear_level(self) -> tuple[int, ...] | None:
        """The grey or colour that is transparent, in samples of `depth` bits; None without one."""
        body = self.chunks.get(b"tRNS")
        samples = {_GREY: 1, _COLOUR: 3}.get(self.colour)
        if body is None or samples is None or len(body) < 2 * samples:
            return None
        return struct.unpack(f">{samples}H", body[: 2 * samples])


def read_png(data: bytes | mmap) -> Png:
    """Read all chunks.

    Raises:
        NotAPhotoError: a chunk with pixels is damaged or missing.
        struct.error: the file ends inside a chunk.
    """
    chunks: dict[bytes, bytes] = {}
    places: list[tuple[int, int]] = []
    kinds = set()
    is_sound, is_ended, text_left = True, False, LONGEST_TEXT
    for kind, start, length, is_chunk_sound in _chunks(data):
        is_sound &= is_chunk_sound
        is_ended |= kind == b"IEND"
        if kind in _PIXELS or (kind == b"tRNS" and is_chunk_sound):
            _add(places, start - 8, length + _LEAST_CHUNK)
            kinds.add(kind)
        if not is_chunk_sound:
            continue
        if kind in _KEPT:
            # The first of a kind counts, as in decoders.
            chunks.setdefault(kind, bytes(data[start : start + length]))
        elif kind in _COMPRESSED_TEXTS and text_left >= 0:
            text_left -= _text_bytes(kind, bytes(data[start : start + length]), text_left + 1)
    if not {b"IHDR", b"IDAT"} <= kinds:
        raise NotAPhotoError(Reason.DAMAGED_PHOTO, "the PNG has no pixels in it")
    width, height, depth, colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    if depth not in _DEPTHS.get(colour, ()) or (colour == _PALETTE and b"PLTE" not in kinds):
        text = f"no PNG has colours of type {colour} in {depth} bits, or no palette for them"
        raise NotAPhotoError(Reason.DAMAGED_PHOTO, text)
    profile = _unpacked_profile(chunks)
    return Png(
        width=width,
        height=height,
        depth=depth,
        colour=colour,
        chunks=chunks,
        places=tuple(places),
        is_ended=is_ended,
        is_sound=is_sound,
        has_long_text=text_left < 0,
        has_alpha=colour in {_GREY_ALPHA, _COLOUR_ALPHA} or b"tRNS" in chunks,
        profile=profile,
        is_srgb=_has_srgb_colours(chunks, profile),
    )


def _add(places: list[tuple[int, int]], at: int, length: int) -> None:
    """Add a place, as part of an adjacent one: a file may consist of millions of empty chunks."""
    if places and sum(places[-1]) == at:
        at, before = places.pop()
        length += before
    places.append((at, length))


def _chunks(data: bytes | mmap) -> Iterator[Chunk]:
    """All chunks up to the end chunk, or to the end of the file."""
    at, has_pixels = len(SIGNATURE), False
    while True:
        if has_pixels and len(data) - at < _LEAST_CHUNK:
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        # After the pixels, a chunk that breaks off costs a comment at most.
        if has_pixels and kind not in _PIXELS and start + length + 4 > len(data):
            return
        (checksum,) = struct.unpack_from(">I", data, start + length)
        is_sound = zlib.crc32(data[start : start + length], zlib.crc32(kind)) == checksum
        if kind in _PIXELS and not is_sound:
            raise NotAPhotoError(Reason.DAMAGED_PHOTO, "a PNG chunk's checksum is wrong")
        yield Chunk(kind, start, length, is_sound)
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"IEND":
            return
        at += _LEAST_CHUNK + length


def _text_bytes(kind: bytes, body: bytes, most: int) -> int:
    """The size of a comment after decompression, of at most `most` bytes."""
    _keyword, _, rest = body.partition(b"\0")
    packed = rest[1:]
    if kind == b"iTXt":
        if rest[:1] != b"\1":
            return len(body)
        # Flag and method, then language and translated keyword, each with a final zero.
        packed = rest[2:].split(b"\0", 2)[-1]
    try:
        return len(zlib.decompressobj().decompress(packed, most))
    except zlib.error:
        return 0


def _unpacked_profile(chunks: dict[bytes, bytes]) -> bytes:
    _name, _, packed = chunks.get(b"iCCP", b"").partition(b"\0")
    try:
        # Limited: a profile of some bytes could decompress to gigabytes.
        return zlib.decompressobj().decompress(packed[1:], LARGEST_PROFILE)
    except zlib.error:
        return b""


def _has_srgb_colours(chunks: dict[bytes, bytes], profile: bytes) -> bool:
    """The first of these chunks that it has decides."""
    code_points = chunks.get(b"cICP", b"")
    if len(code_points) == 4:  # noqa: PLR2004 - primaries, transfer, matrix, range
        return is_coded_srgb(code_points[0], code_points[1])
    if b"iCCP" in chunks:
        return is_srgb(profile)
    return b"sRGB" in chunks or (_is_usual_gamma(chunks) and _are_usual_primaries(chunks))


def _is_usual_gamma(chunks: dict[bytes, bytes]) -> bool:
    body = chunks.get(b"gAMA", b"")
    if len(body) != 4 or not any(body):  # noqa: PLR2004 - one number
        return True
    return abs(int.from_bytes(body, "big") - _SRGB_GAMMA) <= _GAMMA_SLACK


def _are_usual_primaries(chunks: dict[bytes, bytes]) -> bool:
    """Chromaticities without a gamma are ignored, as viewers do."""
    body = chunks.get(b"cHRM", b"")
    if len(body) != 32 or b"gAMA" not in chunks:  # noqa: PLR2004 - eight numbers
        return True
    numbers = struct.unpack(">8I", body)
    pairs = zip(numbers, _SRGB_CHROMATICITIES, strict=True)
    return all(abs(one - other) <= _CHROMATICITY_SLACK for one, other in pairs)
