"""Reads the segments of a JPEG file (ITU-T T.81, annex B); no pixel is decoded."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import field
from mmap import mmap
from typing import NamedTuple

from cutout.domain.dataclass import dataclass

MOST_SCANS = 100
"""Usual progressive files have about ten. Decoding a scan is a pass over all pixels."""
# A profile has at most 255, and a scan about five; reading one takes some microseconds.
_MOST_SEGMENTS = 10_000
_START, _END, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_ALONE = frozenset({_START, 0x01, *range(0xD0, 0xD8)})  # markers without a length and a body
_APP1, _APP2 = 0xE1, 0xE2
_FIRST_FRAME = 0xC0
# The last is that of JPEG-LS (ITU-T T.87).
_FRAMES = frozenset({*range(_FIRST_FRAME, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_EXIF, _PROFILE = b"Exif\0\0", b"ICC_PROFILE\0"
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
# Inside a scan every FF is followed by 00 or a restart marker (B.1.1.5).
_NEXT_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)


class Segment(NamedTuple):
    """One segment.

    Attributes:
        has_strays: there are bytes before its marker that are neither data nor fill (B.1.1.2).
    """

    marker: int
    body: bytes
    has_strays: bool


@dataclass(kw_only=True, slots=True)
class Jpeg:
    """The contents of a JPEG's segments.

    Attributes:
        process: the number of the frame's marker: 0 baseline, 1 extended, 2 progressive,
            3 lossless, 9 and 10 with arithmetic coding.
        depth: bits a sample.
        exif: the first Exif block; empty without one.
        end: the offset of the end mark; None without one.
        has_strays: there are stray bytes between segments.
    """

    process: int = -1
    depth: int = 0
    width: int = 0
    height: int = 0
    components: int = 0
    exif: bytes = b""
    scans: int = 0
    end: int | None = None
    has_strays: bool = False
    profile_parts: dict[int, bytes] = field(default_factory=dict)

    @property
    def is_progressive(self) -> bool:
        """The pixels are stored in several passes, each finer than the one before."""
        return self.process in {2, 10}

    @property
    def profile(self) -> bytes:
        """The ICC profile; empty without one."""
        # A segment holds 64 KB, so a larger profile is cut into numbered ones (ICC.1, B.4).
        return b"".join(self.profile_parts[number] for number in sorted(self.profile_parts))


def read_jpeg(data: bytes | mmap) -> Jpeg:
    """Read all segments, including those between scans.

    Raises:
        struct.error: the file ends before its first scan, or is inconsistent.
    """
    jpeg = Jpeg()
    for marker, body, has_strays in _segments(data, jpeg):
        jpeg.has_strays |= has_strays
        if marker == _START_OF_SCAN:
            # Each scan is a pass over all pixels, so a small file could take minutes to decode.
            jpeg.scans += 1
            if jpeg.scans > MOST_SCANS:
                break
        elif marker in _FRAMES and jpeg.process < 0:
            jpeg.process = marker - _FIRST_FRAME
            jpeg.depth, jpeg.height, jpeg.width, jpeg.components = struct.unpack_from(">BHHB", body)
        elif marker == _APP1 and body.startswith(_EXIF):
            # Some programs add a second block, which viewers ignore.
            jpeg.exif = jpeg.exif or body[len(_EXIF) :]
        elif marker == _APP2 and body.startswith(_PROFILE) and len(body) > len(_PROFILE) + 2:
            jpeg.profile_parts.setdefault(body[len(_PROFILE)], body[len(_PROFILE) + 2 :])
    if jpeg.process < 0 or not jpeg.scans:
        raise struct.error("no scan")
    return jpeg


def _segments(data: bytes | mmap, jpeg: Jpeg) -> Iterator[Segment]:
    at = 2
    for _ in range(_MOST_SEGMENTS):
        found = (_NEXT_IN_SCAN if jpeg.scans else _MARKER).search(data, at)
        if found is None:
            if jpeg.scans:
                return
            raise struct.error("no marker")
        marker, before = data[found.end() - 1], at
        if marker == _END and jpeg.scans:
            jpeg.end = found.start()
            return
        at = found.end()
        if marker in _ALONE:
            jpeg.has_strays |= marker == _START
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        body = bytes(data[at + 2 : at + length])
        if len(body) != length - 2:
            # The file ends inside a segment; after a scan, the pixels may still be complete.
            if jpeg.scans:
                return
            raise struct.error("cut short")
        has_strays = not jpeg.scans and data[before : found.start()].strip(b"\xff") != b""
        yield Segment(marker, body, has_strays)
        at += length
    raise struct.error("too many segments")
