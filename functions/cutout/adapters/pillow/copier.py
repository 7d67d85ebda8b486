"""Makes copies that the model accepts of photos that it does not accept."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

from PIL import Image

from cutout.adapters.pillow.decode.decoding import decoded
from cutout.adapters.pillow.decode.opening_uploads import opened
from cutout.domain.errors import NotAPhotoError
from cutout.domain.reasons import Reason
from cutout.ports.pictures import Copy, PhotoHeader

Size = tuple[int, int]
Manner = tuple[str, dict[str, Any]]
"""A format and the options it is written with."""

_QUALITIES = (95, 90, 85)
_MOST_REDUCTIONS = 12
_FAST = 1  # zlib's level, 0 to 9: such a copy is read once or twice, and deleted after a day
_MARGIN = 0.95  # a picture that must be reduced is made a little smaller than calculated


class PillowCopier:
    """Decodes photos of every supported format, and writes JPEG, PNG or WebP."""

    def look(self, file: Path) -> PhotoHeader:
        """What the file's header says; nothing is decoded."""
        with opened(file) as upload:
            width, height = upload.size
            return PhotoHeader(
                format=upload.format,
                width=width,
                height=height,
                orientation=upload.orientation,
            )

    def copy(self, file: Path, into: Path, size: Size, max_bytes: int) -> Copy:
        """Make an upright sRGB picture of 8 bits a channel; of an animation, the first frame."""
        return _written(decoded(file, size), into, max_bytes)

    def upright(self, file: Path, into: Path) -> Copy:
        """Make an upright sRGB PNG of every pixel, with the photo's transparency."""
        picture = decoded(file)
        picture.save(into, "PNG", icc_profile=None, compress_level=_FAST)
        return _described(picture, "PNG")


def _written(picture: Image.Image, into: Path, max_bytes: int) -> Copy:
    for _ in range(_MOST_REDUCTIONS):
        for format_, options in _manners(picture, max_bytes):
            picture.save(into, format_, icc_profile=None, **options)
            if into.stat().st_size <= max_bytes:
                return _described(picture, format_)
        # A file shrinks about as the number of its pixels does.
        scale = sqrt(max_bytes / into.stat().st_size) * _MARGIN
        size = int(picture.width * scale), int(picture.height * scale)
        if min(size) == 0:
            break
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    raise NotAPhotoError(
        Reason.CANNOT_BE_PREPARED, f"no copy of it has at most {max_bytes:,} bytes"
    )


def _described(picture: Image.Image, format_: str) -> Copy:
    return Copy(
        format=format_.lower(),
        width=picture.width,
        height=picture.height,
        has_alpha=picture.mode == "RGBA",
    )


def _manners(picture: Image.Image, max_bytes: int) -> Iterator[Manner]:
    """The ways to write a picture, best first."""
    if picture.mode == "RGB":
        for quality in _QUALITIES:
            # Without subsampling: the model sees edges in full colour resolution.
            yield "JPEG", {"quality": quality, "subsampling": 0}
        return
    # A PNG is slow to write, and seldom has fewer bytes than pixels.
    if picture.width * picture.height <= max_bytes:
        yield "PNG", {}
    for quality in _QUALITIES:
        yield "WEBP", {"quality": quality, "method": 2}
