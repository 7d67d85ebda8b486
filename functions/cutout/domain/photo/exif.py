"""Reads orientation and colour space from an Exif block (CIPA DC-008 and DC-009, DCF 2.0)."""

from __future__ import annotations

import struct

LAST_ORIENTATION = 8
"""The first is 1."""
FIRST_LYING = 5
"""The first orientation that swaps width and height."""
_ORIENTATION, _EXIF_DIRECTORY, _INTEROPERABILITY, _INDEX = 0x0112, 0x8769, 0xA005, 0x0001
_ADOBE_RGB = b"R03"
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}  # TIFF's types of whole numbers


def exif_orientation(tiff: bytes) -> int:
    """The orientation in an Exif block, 1 to 8; 1 if it is missing or unreadable."""
    tiff = _without_mark(tiff)
    try:
        value = _number(tiff, _first_directory(tiff), _ORIENTATION)
    except struct.error:
        return 1
    return value if value and 1 <= value <= LAST_ORIENTATION else 1


def is_adobe_rgb(tiff: bytes) -> bool:
    """True if an Exif block says that the colours are in Adobe RGB (1998)."""
    # Cameras use the interoperability index for that, without a profile.
    tiff = _without_mark(tiff)
    directory: int | None = _first_directory(tiff) if len(tiff) >= 8 else None  # noqa: PLR2004
    try:
        for tag in (_EXIF_DIRECTORY, _INTEROPERABILITY):
            directory = directory and _number(tiff, directory, tag)
        at = _entry(tiff, directory, _INDEX) if directory else None
    except struct.error:
        return False
    return at is not None and tiff[at + 8 : at + 11] == _ADOBE_RGB


def _without_mark(tiff: bytes) -> bytes:
    return tiff.removeprefix(b"Exif\0\0")


def _order(tiff: bytes) -> str:
    return "<" if tiff.startswith(b"II") else ">"


def _first_directory(tiff: bytes) -> int:
    (directory,) = struct.unpack_from(_order(tiff) + "I", tiff, 4)
    return int(directory)


def _number(tiff: bytes, directory: int, tag: int) -> int | None:
    """The whole number of a tag; None without the tag."""
    at = _entry(tiff, directory, tag)
    if at is None:
        return None
    # The standard says SHORT; some cameras write LONG or BYTE, which decoders accept.
    (kind,) = struct.unpack_from(_order(tiff) + "H", tiff, at + 2)
    (value,) = struct.unpack_from(_order(tiff) + _INTEGERS.get(kind, "H"), tiff, at + 8)
    return int(value)


def _entry(tiff: bytes, directory: int, tag: int) -> int | None:
    """The offset of a tag's entry, of twelve bytes; None if the directory has none."""
    order = _order(tiff)
    (count,) = struct.unpack_from(order + "H", tiff, directory)
    for at in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from(order + "H", tiff, at)[0] == tag:
            return at
    return None
