"""Reads from the boxes of HEIF, AVIF and JPEG 2000 files what their decoders do not return.

Sources: ISO/IEC 14496-12 and 23008-12 (ISO media), ISO/IEC 15444-1, annex I (JPEG 2000).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from mmap import mmap

from cutout.domain.dataclass import dataclass

Bytes = bytes | mmap
IsoBox = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""
_WIDE = 1  # the length that means that the real one follows in eight bytes
_RESTRICTED, _ANY = 2, 3
"""The methods of a JPEG 2000 that give its colours as an ICC profile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Properties:
    """Properties of the main picture in an ISO media file, None where it has none.

    Colour primaries and transfer characteristics (ITU-T H.273), and the eight numbers of `clap`.
    """

    code_points: tuple[int, int] | None = None
    aperture: tuple[int, ...] | None = None

    def crop(self, size: tuple[int, int]) -> IsoBox | None:
        """The visible part of the stored pixels; None if all are visible, or if it is invalid."""
        if self.aperture is None or 0 in self.aperture[1::2]:
            return None
        numbers = [
            Fraction(above, below)
            for above, below in zip(self.aperture[::2], self.aperture[1::2], strict=True)
        ]
        (width, height), offsets = numbers[:2], numbers[2:]
        # `clap` gives the offset of the centre, not of a corner (ISO/IEC 14496-12, 12.1.4).
        left, top = (
            round(Fraction(whole - 1, 2) + offset - (shown - 1) / 2)
            for whole, offset, shown in zip(size, offsets, (width, height), strict=True)
        )
        right, bottom = left + round(width), top + round(height)
        is_inside = 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
        return (left, top, right, bottom) if is_inside else None


def properties_of(data: Bytes) -> Properties:
    """The main picture's properties; none if the boxes cannot be read."""
    try:
        return _properties(data)
    except (struct.error, LookupError):
        return Properties()


def jpeg_2000_profile(data: Bytes) -> bytes:
    """The ICC profile of a JPEG 2000 file; empty without one."""
    try:
        (start, end) = dict(_boxes(data, 0, len(data)))[b"jp2h"]
        for kind, (at, until) in _boxes(data, start, end):
            if kind == b"colr" and data[at] in {_RESTRICTED, _ANY}:
                return bytes(data[at + 3 : until])
    except (struct.error, LookupError):
        pass
    return b""


def _properties(data: Bytes) -> Properties:
    start, end = dict(_boxes(data, 0, len(data)))[b"meta"]
    meta = dict(_boxes(data, start + 4, end))
    shared = dict(_boxes(data, *meta[b"iprp"]))
    all_of_them = list(_boxes(data, *shared[b"ipco"]))
    code_points, aperture = None, None
    for index in _associated(data, *shared[b"ipma"], item=_main_item(data, *meta[b"pitm"])):
        kind, (at, until) = all_of_them[index - 1]
        if kind == b"colr" and data[at : at + 4] == b"nclx":
            code_points = struct.unpack_from(">HH", data, at + 4)
        elif kind == b"clap" and until - at >= struct.calcsize(">8i"):
            aperture = struct.unpack_from(">8i", data, at)
    return Properties(code_points=code_points, aperture=aperture)


def _boxes(data: Bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """The kind of each box in a part of a file, and where its contents begin and end."""
    while at + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if length == _WIDE:
            (length,) = struct.unpack_from(">Q", data, at + 8)
            header = 16
        if length == 0:  # the box ends with the file
            length = end - at
        if length < header:
            return
        yield kind, (at + header, min(at + length, end))
        at += length


def _main_item(data: Bytes, at: int, _end: int) -> int:
    is_wide = data[at] > 0
    (item,) = struct.unpack_from(">I" if is_wide else ">H", data, at + 4)
    return int(item)


def _associated(data: Bytes, at: int, end: int, *, item: int) -> Iterator[int]:
    """The numbers, from 1, of the properties of an item."""
    has_wide_items, has_wide_indices = data[at] > 0, bool(data[at + 3] & 1)
    (count,) = struct.unpack_from(">I", data, at + 4)
    at += 8
    for _ in range(count):
        (one,) = struct.unpack_from(">I" if has_wide_items else ">H", data, at)
        at += 4 if has_wide_items else 2
        many = data[at]
        at += 1
        width = 2 if has_wide_indices else 1
        # Lengths of untrusted files: a count may promise more than there is.
        if at + many * width > end:
            return
        for _ in range(many):
            # The highest bit says whether the property is essential; the rest is its number.
            index = int.from_bytes(data[at : at + width], "big") & (0x7FFF >> (16 - 8 * width))
            at += width
            if one == item and index:
                yield index
