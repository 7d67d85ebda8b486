"""What a file says about its pixels: orientation, and whether the colours are in sRGB.

Without a profile, viewers assume sRGB. Sources: CIPA DC-008 and DC-009, DCF 2.0 (Exif), ICC.1:2022
(profiles), ITU-T H.273 (code points).
"""

from __future__ import annotations

import struct

# BT.709, primaries so similar that decoders treat them alike, and unspecified.
_SRGB_PRIMARIES = frozenset({0, 1, 2, 5, 6, 7})
# That of sRGB, those of television, which viewers show as sRGB, and unspecified.
_SRGB_TRANSFERS = frozenset({0, 1, 2, 3, 6, 7, 13, 14, 15})

# sRGB's primaries, adapted to D50 as in profiles.
_COLORANTS = {
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
_COLORANT_SLACK = 0.006
# Samples of sRGB's transfer curve: value and light.
_CURVE = {0.1: 0.0100, 0.25: 0.0509, 0.5: 0.2140, 0.75: 0.5225}
_CURVE_SLACK = 0.003
_CURVES = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_FIXED = 65_536
_MOST_TAGS = 100


def is_srgb(profile: bytes) -> bool:
    """True if an ICC profile describes sRGB, whatever its name.

    Also true without a profile (no bytes), and for one that cannot be read: viewers ignore it.
    """
    try:
        return not profile or _is_srgb(profile)
    except (struct.error, LookupError, ArithmeticError):
        return True


def is_coded_srgb(primaries: int, transfer: int) -> bool:
    """The same for code points (H.273), from cICP or nclx."""
    return primaries in _SRGB_PRIMARIES and transfer in _SRGB_TRANSFERS


def _is_srgb(profile: bytes) -> bool:
    space = profile[16:20]
    tags = _tags(profile)
    if space not in _CURVES:
        return False
    if not all(name in tags and _is_usual_curve(tags[name]) for name in _CURVES[space]):
        return False
    return space == b"GRAY" or all(_is_near(tags[name], xyz) for name, xyz in _COLORANTS.items())


def _tags(profile: bytes) -> dict[bytes, bytes]:
    # The table of tags follows the header of 128 bytes (ICC.1, 7.3).
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = {}
    for index in range(min(count, _MOST_TAGS)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        tags[name] = profile[offset : offset + size]
    return tags


def _is_near(tag: bytes, xyz: tuple[float, float, float]) -> bool:
    found = struct.unpack_from(">iii", tag, 8)
    return all(
        abs(one / _FIXED - other) <= _COLORANT_SLACK for one, other in zip(found, xyz, strict=True)
    )


def _is_usual_curve(tag: bytes) -> bool:
    return all(abs(_light(tag, value) - light) <= _CURVE_SLACK for value, light in _CURVE.items())


def _light(tag: bytes, value: float) -> float:
    """The light of a value, by a sampled or parametric curve (ICC.1, 10.6 and 10.18)."""
    if tag.startswith(b"para"):
        return _by_formula(tag, value)
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return value
    if count == 1:
        return float(value ** (struct.unpack_from(">H", tag, 12)[0] / 256))
    # The nearest sample is near enough: the slack is larger than the step.
    (sample,) = struct.unpack_from(">H", tag, 12 + 2 * round(value * (count - 1)))
    return float(sample / 65_535)


def _by_formula(tag: bytes, value: float) -> float:
    (kind,) = struct.unpack_from(">H", tag, 8)
    counts = (1, 3, 4, 5, 7)
    numbers = [n / _FIXED for n in struct.unpack_from(f">{counts[kind]}i", tag, 12)]
    gamma, a, b, c, d, e, f = numbers + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(numbers) - 1 :]
    if kind in {_OFFSET_INSIDE, _OFFSET_BELOW}:
        # These two formulas are constant below the start of the power function.
        below = c if kind == _OFFSET_BELOW else 0.0
        c, d, e, f = 0.0, -b / a, below, below
    return float(max(0.0, a * value + b) ** gamma + e if value >= d else c * value + f)


_OFFSET_INSIDE, _OFFSET_BELOW = 1, 2
"""Two of the five formulas of a parametric curve."""


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
