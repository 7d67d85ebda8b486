"""ICC profiles for files that describe their colours by code points or gamma instead.

With a profile, littleCMS converts them like any other. Sources: ITU-T H.273, SMPTE ST 2084 (PQ),
ITU-R BT.2100 (HLG), BT.2408 (reference white), ICC.1:2001-04 (matrix profiles).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from functools import cache

from cutout.domain.photo.exif_and_profile import is_coded_srgb
from cutout.domain.photo.png_chunks import GAMMA_UNIT, Png

Numbers = tuple[float, ...]
Matrix = tuple[Numbers, ...]
Chromaticities = Numbers
"""x and y of white, red, green and blue."""

_D65 = (0.3127, 0.3290)
_BT709 = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_ADOBE_RGB = (*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
# By the code points of ITU-T H.273, table 2; the others are taken for BT.709.
_PRIMARIES: dict[int, Chromaticities] = {
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
_D50: Numbers = (0.9642, 1.0, 0.8249)
_BRADFORD: Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)
_SAMPLES = 4096  # so many that 8-bit colours are not banded
_WHITE_NITS = 203  # the brightness of SDR white (BT.2408)
_HLG_NITS, _HLG_GAMMA = 1000, 1.2
_KNEE = 0.8  # light above this share of SDR's white is compressed, not clipped


def profile_of_code_points(primaries: int, transfer: int) -> bytes:
    """The profile for code points; empty for those that viewers show as sRGB."""
    if is_coded_srgb(primaries, transfer):
        return b""
    return _made(_PRIMARIES.get(primaries, _BT709), _CURVES.get(transfer, _srgb))


def adobe_rgb() -> bytes:
    """The profile of Adobe RGB (1998), which cameras only name in their Exif data."""
    return _made(_ADOBE_RGB, lambda value: float(value ** (563 / 256)))


def profile_of_png(png: Png) -> bytes:
    """A PNG's profile, embedded or made from its chunks; empty for sRGB and if nothing is given."""
    if png.is_srgb:
        return b""
    chunks = png.chunks
    code_points = chunks.get(b"cICP", b"")
    if len(code_points) == 4:  # noqa: PLR2004 - primaries, transfer, matrix, range
        return profile_of_code_points(code_points[0], code_points[1])
    if b"iCCP" in chunks or b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:  # noqa: PLR2004
        return png.profile
    gamma = int.from_bytes(chunks[b"gAMA"], "big")
    chromaticities = chunks.get(b"cHRM", b"")
    primaries = _BT709
    if len(chromaticities) == 32:  # noqa: PLR2004 - eight numbers
        primaries = tuple(number / GAMMA_UNIT for number in struct.unpack(">8I", chromaticities))
    try:
        return _made(primaries, lambda value: float(value ** (GAMMA_UNIT / gamma)))
    except ArithmeticError:
        return b""  # impossible colours


def _srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004


def _pq(value: float) -> float:
    power = value ** (32 / 2523)
    light = max(power - 107 / 128, 0.0) / (2413 / 128 - 2392 / 128 * power)
    return _tone_mapped(10_000 * light ** (8192 / 1305) / _WHITE_NITS)


def _hlg(value: float) -> float:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = value**2 / 3 if value <= 0.5 else (math.exp((value - c) / a) + b) / 12  # noqa: PLR2004
    return _tone_mapped(_HLG_NITS * scene**_HLG_GAMMA / _WHITE_NITS)


def _tone_mapped(light: float) -> float:
    """Light in units of SDR's white, compressed to below 1."""
    if light <= _KNEE:
        return light
    room = 1 - _KNEE
    return 1 - room * math.exp(-(light - _KNEE) / room)


# By the code points of ITU-T H.273, table 3.
_CURVES: dict[int, Callable[[float], float]] = {
    4: lambda value: float(value**2.2),
    5: lambda value: float(value**2.8),
    8: lambda value: value,
    16: _pq,
    18: _hlg,
}


def _made(primaries: Chromaticities, curve: Callable[[float], float]) -> bytes:
    """A display profile of three colorants and one curve."""
    samples = (min(1.0, max(0.0, curve(at / (_SAMPLES - 1)))) for at in range(_SAMPLES))
    light = [round(65_535 * one) for one in samples]
    tone = b"curv\0\0\0\0" + struct.pack(f">I{_SAMPLES}H", _SAMPLES, *light)
    tags = [
        (b"desc", b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(79)),
        (b"wtpt", _xyz(_D50)),
        *zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, _adapted(primaries)), strict=True),
        (b"rTRC", tone),
        (b"gTRC", tone),
        (b"bTRC", tone),
    ]
    return _file(tags)


def _file(tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags:
        table += struct.pack(">4sII", name, start + len(body), len(data))
        # Each tag begins at a multiple of four.
        body += data + bytes(-len(data) % 4)
    # The header of ICC.1:2001-04, 6.1: size, CMM, version, class, colour space, PCS, date,
    # signature, white of the PCS.
    head = struct.pack(
        ">I4sI4s4s4s12s4s28x3i", start + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ",
        bytes(12), b"acsp", *map(_fixed, _D50),
    )  # fmt: skip
    return head.ljust(128, b"\0") + table + body


def _xyz(row: Numbers) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *map(_fixed, row))


def _fixed(number: float) -> int:
    return round(number * 65_536)


@cache
def _adapted(primaries: Chromaticities) -> Matrix:
    """Red, green and blue as XYZ under D50."""
    white, red, green, blue = (
        (x / y, 1.0, (1 - x - y) / y) for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    )
    shares = _times(_inverse(tuple(zip(red, green, blue, strict=True))), white)
    # Profiles hold colours under D50; the colours are adapted from their own white (Bradford).
    cones, wanted = _times(_BRADFORD, white), _times(_BRADFORD, _D50)
    gains = [under_d50 / own for under_d50, own in zip(wanted, cones, strict=True)]
    adapted = []
    for colour, share in zip((red, green, blue), shares, strict=True):
        scaled = zip(_times(_BRADFORD, colour), gains, strict=True)
        adapted.append(_times(_inverse(_BRADFORD), [cone * gain * share for cone, gain in scaled]))
    return tuple(adapted)


def _times(matrix: Matrix, column: Sequence[float]) -> Numbers:
    return tuple(sum(one * other for one, other in zip(row, column, strict=True)) for row in matrix)


def _inverse(matrix: Matrix) -> Matrix:
    """The inverse, by cofactors; an ArithmeticError if there is none."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    share = 1 / (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
    return (
        ((e * i - f * h) * share, (c * h - b * i) * share, (b * f - c * e) * share),
        ((f * g - d * i) * share, (a * i - c * g) * share, (c * d - a * f) * share),
        ((d * h - e * g) * share, (b * g - a * h) * share, (a * e - b * d) * share),
    )
