"""The colour profile inside a photo, by name: sRGB is what everybody assumes, others are not.

Source: ICC.1:2022; embedding in JPEG (annex B.4), PNG (iCCP chunk) and WebP (ICCP chunk).
"""

from __future__ import annotations

import struct
import zlib

_JPEG_MARK = b"ICC_PROFILE\0"
_APP2, _START_OF_SCAN = 0xE2, 0xDA
_SRGB = "srgb"
_MOST_BYTES = 4_000_000
_UNNAMED = "unnamed"


def profile_name(data: bytes, format_: str) -> str | None:
    """The name of a photo's colour profile; None without one, or if that is sRGB.

    A profile that cannot be read is none: the photo may be whole all the same.

    Args:
        data: the whole file.
        format_: jpeg, png or webp; others carry no profile that is looked for.
    """
    finders = {"jpeg": _in_jpeg, "png": _in_png, "webp": _in_webp}
    try:
        profile = finders[format_](data) if format_ in finders else b""
        name = _description(profile) if profile else None
    except (struct.error, IndexError, ValueError, zlib.error):
        return None
    return None if name is None or _SRGB in name.lower().replace(" ", "") else name


def _in_jpeg(data: bytes) -> bytes:
    """A profile may be cut into several segments, each with its number."""
    at = 2
    parts: dict[int, bytes] = {}
    while data[at + 1] != _START_OF_SCAN:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker == _APP2 and body.startswith(_JPEG_MARK):
            parts[body[12]] = body[14:]
        at += 2 + length
    return b"".join(parts[number] for number in sorted(parts))


def _in_png(data: bytes) -> bytes:
    at = 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"iCCP":
            _name, _, packed = data[at + 8 : at + 8 + length].partition(b"\0")
            return zlib.decompressobj().decompress(packed[1:], _MOST_BYTES)
        if kind in {b"IDAT", b"IEND"}:
            return b""
        at += 12 + length


def _in_webp(data: bytes) -> bytes:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"ICCP":
            return data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return b""


def _description(profile: bytes) -> str:
    """The text of the `desc` tag: ASCII in version 2, UTF-16 in version 4."""
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(min(count, 100)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if name == b"desc":
            return _text(profile[offset : offset + size]) or _UNNAMED
    return _UNNAMED


def _text(tag: bytes) -> str:
    if tag.startswith(b"mluc"):
        length, offset = struct.unpack_from(">II", tag, 20)
        return tag[offset : offset + length].decode("utf-16-be", "replace").strip("\0 ")
    (length,) = struct.unpack_from(">I", tag, 8)
    return tag[12 : 12 + length].decode("ascii", "replace").strip("\0 ")
