"""Small photos of real subjects, each a file of its own."""

from __future__ import annotations

from functools import cache
from io import BytesIO

from PIL import Image

from infra.local.place import shipped_photos

_SHIFTS = 16


def small_photo(number: int = 0, *, side: int = 64, format_: str = "JPEG") -> bytes:
    """Return a shipped photo at most `side` pixels long; no two numbers give the same bytes."""
    photos = _photos()
    photo = photos[number % len(photos)]
    down, right = divmod(number // len(photos), _SHIFTS)
    part = photo.crop((right, down, photo.width, photo.height))
    part.thumbnail((side, side))
    return saved(part, format_)


def saved(picture: Image.Image, format_: str = "PNG") -> bytes:
    """Return the bytes of the picture's file."""
    file = BytesIO()
    picture.save(file, format_)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    """Return the picture in a file's bytes, decoded to its end."""
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


@cache
def _photos() -> tuple[Image.Image, ...]:
    """The shipped photos, reduced so far that a shift by one pixel still shows in a thumbnail."""
    reduced = []
    for path in shipped_photos():
        with Image.open(path) as photo:
            small = photo.convert("RGB")
        small.thumbnail((160, 160))
        reduced.append(small)
    return tuple(reduced)
