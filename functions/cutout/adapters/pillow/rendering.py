"""Renders a recipe's variant of a finished cut-out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageColor, ImageFilter

from cutout.adapters.pillow.decode.opening_results import Bitmap
from cutout.domain.errors import PictureError
from cutout.domain.recipes import LONGEST_SIDE, Length, Recipe, Shadow

Size = tuple[int, int]
_STRIP = 256
_SEEN = 8  # from this alpha level on, a pixel counts as subject when trimming
_QUALITIES = {"jpg": 90, "webp": 85, "avif": 70}
_LONGEST_SIDE = {"webp": LONGEST_SIDE, "jpg": 65_500}
# Encoders of larger pictures need more memory than there is; no cut-out of the model is larger.
_MOST_PIXELS = 60_000_000
# From so many pixels on, AVIF and WebP are encoded faster and worse: it would take minutes.
_LARGE = 8_000_000


def rendered(cut_out: Bitmap, recipe: Recipe, profile: bytes | None) -> Bitmap:
    """Trim, scale, lay on a canvas with shadow and background.

    The cut-out is RGBA, its values by the ICC profile; None means sRGB. PictureError: it is empty,
    or does not fit.
    """
    box = _seen_in(cut_out) if recipe.trim else (0, 0, *cut_out.size)
    size = box[2] - box[0], box[3] - box[1]
    canvas, inner = _layout(size, recipe)
    _refuse_too_large(canvas, recipe.format)
    picture = _taken(cut_out, box, inner)
    if recipe.shadow is None and recipe.background is None and canvas == inner:
        return picture
    at = (canvas[0] - inner[0]) // 2, (canvas[1] - inner[1]) // 2
    return _laid(picture, canvas, at, recipe, profile)


def save(image: Bitmap, recipe: Recipe, into: Path, profile: bytes | None) -> None:
    """Write the picture in the recipe's format."""
    options: dict[str, Any] = {"icc_profile": profile}
    if recipe.format != "png":
        options["quality"] = recipe.quality or _QUALITIES[recipe.format]
    is_large = image.width * image.height > _LARGE
    if recipe.format == "avif":
        options["speed"] = 9 if is_large else 7
    if recipe.format == "webp":
        options["method"] = 0 if is_large else 3
    if recipe.format == "jpg":
        options |= {"progressive": True, "optimize": True}
    name = "JPEG" if recipe.format == "jpg" else recipe.format.upper()
    image.save(into, name, **options)


def _taken(cut_out: Bitmap, box: tuple[int, int, int, int], size: Size) -> Bitmap:
    """A part of the cut-out, scaled; copied only if necessary."""
    part = box[2] - box[0], box[3] - box[1]
    if part != size:
        return cut_out.resize(size, Image.Resampling.LANCZOS, box=box)
    return cut_out if part == cut_out.size else cut_out.crop(box)


def _seen_in(picture: Bitmap) -> tuple[int, int, int, int]:
    seen = picture.getchannel("A").point(lambda level: 255 if level >= _SEEN else 0)
    box = seen.getbbox()
    if box is None:
        raise PictureError("there is nothing to trim to: the cut-out is all but empty")
    return box


def _layout(size: Size, recipe: Recipe) -> tuple[Size, Size]:
    """The size of the canvas, and that of the picture on it."""
    if recipe.fit is None:
        margin = _margin_around(size, recipe.margin)
        return (size[0] + 2 * margin, size[1] + 2 * margin), size
    canvas = recipe.fit.width, recipe.fit.height
    margin = recipe.margin.of(min(canvas))
    room = canvas[0] - 2 * margin, canvas[1] - 2 * margin
    if min(room) < 1:
        raise PictureError("the margin leaves no room for the picture")
    scale = min(room[0] / size[0], room[1] / size[1])
    return canvas, (
        min(room[0], max(1, round(size[0] * scale))),
        min(room[1], max(1, round(size[1] * scale))),
    )


def _margin_around(size: Size, margin: Length) -> int:
    """The margin in pixels; a share is of the canvas, which includes the margin."""
    shorter = min(size) + 2 * margin.pixels
    # Solved for the margin m: m = pixels + share * (side + 2m).
    return margin.pixels + round(margin.share * shorter / (1 - 2 * margin.share))


def _refuse_too_large(size: Size, format_: str) -> None:
    if size[0] * size[1] > _MOST_PIXELS:
        raise PictureError(
            f"a variant has at most {_MOST_PIXELS:,} pixels, and this one would have "
            f"{size[0]} x {size[1]}; give the recipe a fit"
        )
    most = _LONGEST_SIDE.get(format_)
    if most and max(size) > most:
        raise PictureError(
            f"{format_} allows at most {most:,} pixels a side; give the recipe a fit"
        )


def _laid(picture: Bitmap, size: Size, at: Size, recipe: Recipe, profile: bytes | None) -> Bitmap:
    ground = (0, 0, 0, 0)
    if recipe.background:
        ground = (*_in_profile(recipe.background, profile), 255)
    canvas = Image.new("RGBA", size, ground)
    if recipe.shadow:
        _cast(canvas, picture.getchannel("A"), at, recipe.shadow)
    for top, strip in _strips(picture):
        canvas.alpha_composite(strip, (at[0], at[1] + top))
    return canvas.convert("RGB") if recipe.background else canvas


def _strips(picture: Bitmap) -> Iterator[tuple[int, Bitmap]]:
    # In parts, compositing needs little memory.
    for top in range(0, picture.height, _STRIP):
        bottom = min(top + _STRIP, picture.height)
        yield top, picture.crop((0, top, picture.width, bottom))


def _cast(canvas: Bitmap, alpha: Bitmap, at: Size, shadow: Shadow) -> None:
    """Darken the canvas where the subject's shadow falls."""
    shorter = min(canvas.size)
    shape = Image.new("L", canvas.size)
    shape.paste(alpha, (at[0] + shadow.right.of(shorter), at[1] + shadow.down.of(shorter)))
    shape = _blurred(shape, shadow.blur.of(shorter))
    shape = shape.point(lambda level: round(level * shadow.opacity))
    for top, strip in _strips(shape):
        black = Image.new("RGBA", strip.size)
        black.putalpha(strip)
        canvas.alpha_composite(black, (0, top))


def _blurred(shape: Bitmap, radius: int) -> Bitmap:
    """Blur a shape; with a large radius, a smaller copy of it."""
    factor = max(1, radius // 8)
    if factor == 1:
        return shape.filter(ImageFilter.GaussianBlur(radius))
    # The time of a blur grows with its radius, and a blurred shape has no detail to lose.
    small = shape.reduce(factor).filter(ImageFilter.GaussianBlur(radius / factor))
    box = (0, 0, shape.width / factor, shape.height / factor)
    return small.resize(shape.size, Image.Resampling.BICUBIC, box=box)


def _in_profile(colour: str, profile: bytes | None) -> tuple[int, int, int]:
    """An sRGB colour in the cut-out's colour space."""
    pixel = Image.new("RGB", (1, 1), ImageColor.getrgb(colour))
    if profile is not None:
        ImageCms.profileToProfile(
            pixel,
            ImageCms.createProfile("sRGB"),
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            inPlace=True,
        )
    red, green, blue = pixel.tobytes()
    return red, green, blue
