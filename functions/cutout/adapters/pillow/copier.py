"""Making pictures that the model takes of those that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

from PIL import Image

from cutout.adapters.pillow.opening import is_heavy
from cutout.adapters.pillow.orientation import (
    orientation_of,
    size_as_shown,
    still_to_turn,
    turned,
)
from cutout.adapters.pillow.srgb import in_8_bits, in_srgb, without_idle_alpha
from cutout.adapters.pillow.uploads import format_of, opened
from cutout.errors import NotAPhotoError
from cutout.ports.pictures import Copy, Seen
from cutout.states import Reason

Size = tuple[int, int]
Manner = tuple[str, dict[str, Any]]
"""A format and the options that it is written with."""

_QUALITIES = (95, 90, 85)
_MOST_REDUCTIONS = 12
_MARGIN = 0.95
"""A picture that is reduced to fit is made a little smaller than it would have to be."""


class PillowCopier:
    """Decodes photos of every format that is known, and writes JPEG, PNG or WebP."""

    def look(self, file: Path) -> Seen:
        """What a file says of itself; nothing is decoded.

        Raises:
            NotAPhotoError: it is none that can be decoded.
        """
        with opened(file) as image:
            width, height = size_as_shown(image.size, still_to_turn(image))
            return Seen(
                format=format_of(image),
                width=width,
                height=height,
                orientation=orientation_of(image),
            )

    def copy(self, file: Path, into: Path, size: Size, max_bytes: int) -> Copy:
        """Make an upright sRGB picture of 8 bits a channel; of an animation, the first frame.

        Raises:
            NotAPhotoError: it is damaged, or it cannot be made that small.
        """
        return _written(_decoded(file, size), into, max_bytes)


def _decoded(file: Path, size: Size) -> Image.Image:
    """The photo in the size of its copy. It is reduced first: all else costs less then."""
    with opened(file) as image:
        profile = image.info.get("icc_profile")
        orientation = still_to_turn(image)
        stored = size_as_shown(size, orientation)
        # A JPEG can be decoded at an eighth, a quarter or half of its size.
        image.draft(None, stored)
        if is_heavy(image):
            image.reduce = 1  # type: ignore[method-assign, assignment] # to half its sides
        image.load()
        pixels = in_8_bits(image)
        if pixels.size != stored:
            pixels = pixels.resize(stored, Image.Resampling.LANCZOS, reducing_gap=2.0)
        pixels = without_idle_alpha(in_srgb(turned(pixels, orientation), profile))
        # What nothing was done to is still the file's, which is about to be closed.
        return pixels.copy() if pixels is image else pixels


def _written(picture: Image.Image, into: Path, max_bytes: int) -> Copy:
    for _ in range(_MOST_REDUCTIONS):
        for format_, options in _manners(picture, max_bytes):
            picture.save(into, format_, icc_profile=None, **options)
            if into.stat().st_size <= max_bytes:
                return Copy(format=format_.lower(), width=picture.width, height=picture.height)
        scale = sqrt(max_bytes / into.stat().st_size) * _MARGIN
        size = int(picture.width * scale), int(picture.height * scale)
        if min(size) == 0:
            break
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    raise NotAPhotoError(
        Reason.CANNOT_BE_PREPARED, f"no copy of it has at most {max_bytes:,} bytes"
    )


def _manners(picture: Image.Image, max_bytes: int) -> Iterator[Manner]:
    """The ways to write a picture, best first."""
    if picture.mode == "RGB":
        for quality in _QUALITIES:
            yield "JPEG", {"quality": quality, "subsampling": 0}
        return
    # A PNG seldom has fewer bytes than pixels, and takes long to write.
    if picture.width * picture.height <= max_bytes:
        yield "PNG", {}
    for quality in _QUALITIES:
        yield "WEBP", {"quality": quality, "method": 2}
