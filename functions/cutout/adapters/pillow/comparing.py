"""Is a result turned as its photo is shown, and are its values converted to sRGB?

Nobody says whether the model honours Exif orientation and colour profiles, and that may change.
So the result is compared with small copies of the photo: turned and not, converted and not.
"""

from __future__ import annotations

from PIL import Image, ImageChops, ImageStat

from cutout.adapters.pillow.opening import Picture, Source
from cutout.adapters.pillow.orientation import turned
from cutout.adapters.pillow.srgb import in_srgb

SIDE = 96
"""The longer side of the small copies, in pixels."""
_ASPECT_TOLERANCE = 0.03
_SOLID = 224
_CLEARLY = 0.95
"""A candidate must fit better by this factor than what we would rather believe."""
_SEEN = 1.0
"""Levels of mean difference below which two renditions look alike."""


def turn_of(result: Picture, source: Source) -> int:
    """How the result must be turned to lie as its photo is shown: an Exif orientation.

    1 if it lies so already, or if both ways look alike.
    """
    orientation = source.orientation
    if orientation == 1:
        return 1
    stored = source.pixels.convert("RGB")
    shown = turned(stored, orientation)
    fits_stored, fits_shown = (_has_aspect_of(result, one) for one in (stored, shown))
    if fits_stored != fits_shown:
        return orientation if fits_stored else 1
    small = _small(result)
    is_stored = _difference(small, stored) < _CLEARLY * _difference(small, shown)
    return orientation if is_stored else 1


def profile_of(result: Picture, source: Source) -> bytes | None:
    """The profile that the result's values are in; None means sRGB.

    Args:
        result: lies as the photo is shown.
        source: the photo, with its profile.
    """
    if source.profile is None:
        return None
    small = _small(result)
    raw = turned(source.pixels.convert("RGB"), source.orientation)
    converted = in_srgb(raw, source.profile)
    if _apart(raw, converted, small) < _SEEN:
        return None
    is_raw = _difference(small, raw) < _difference(small, converted)
    return source.profile if is_raw else None


def _has_aspect_of(result: Picture, candidate: Picture) -> bool:
    expected = candidate.width / candidate.height
    return abs(result.width / result.height / expected - 1) <= _ASPECT_TOLERANCE


def _small(result: Picture) -> Picture:
    small = result.convert("RGBA") if result.mode != "RGBA" else result
    return small.resize(_shape(result.size), Image.Resampling.BOX, reducing_gap=2.0)


def _shape(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _difference(small: Picture, candidate: Picture) -> float:
    """Mean levels between a result and a candidate, where the result is solid."""
    return _apart(small.convert("RGB"), candidate, small)


def _apart(one: Picture, other: Picture, small: Picture) -> float:
    pair = [it.resize(small.size, Image.Resampling.BOX) for it in (one, other)]
    solid = small.getchannel("A").point(lambda level: 255 if level >= _SOLID else 0)
    mask = solid if solid.getbbox() else small.getchannel("A")
    mean = ImageStat.Stat(ImageChops.difference(*pair), mask).mean
    return sum(mean) / len(mean)
