"""Examines results, finishes cut-outs and renders variants with Pillow."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from cutout.adapters.pillow import rendering
from cutout.adapters.pillow.decode.opening_results import (
    RESULT_FORMATS,
    in_kept_colours,
    opened,
    picture_errors,
)
from cutout.adapters.pillow.decode.orientation import orientation_of, size_as_shown, turned
from cutout.adapters.pillow.own_pixels import cut_from
from cutout.domain.errors import PictureError
from cutout.domain.photo.photo_and_result_checks import Picture
from cutout.domain.recipes import Recipe

_EFFORT = 3  # zlib's level, 0 to 9; a higher one hardly makes a photo smaller, with its grain
_LEVELS = 256


class PillowPictures:
    """Examines results, finishes cut-outs and renders variants.

    Results above `max_pixels` are not decoded, nor photos above `max_photo_pixels`, so that a
    decompression bomb costs no memory.
    """

    def __init__(self, max_pixels: int, *, max_photo_pixels: int = 0) -> None:
        self._max_pixels = max_pixels
        self._max_photo_pixels = max(max_pixels, max_photo_pixels)

    def examine(self, file: Path) -> Picture | None:
        """Decode the whole file; None if it cannot be decoded."""
        try:
            with picture_errors(), opened(file, RESULT_FORMATS, self._max_pixels) as image:
                image.load()
                return _described(image, image.format or "", orientation_of(image))
        except PictureError:
            return None

    def cut_out(
        self,
        result: Path,
        into: Path,
        *,
        size: tuple[int, int] | None = None,
    ) -> Picture:
        """Make an upright PNG of the model's pixels."""
        with picture_errors():
            image, profile = _shown(result, self._max_pixels)
            if size is not None:
                # A filter without negative weights, so that edges get no halo.
                image = image.resize(size, Image.Resampling.HAMMING)
            _save(image, into, profile)
            return _described(image, "PNG")

    def faithful_cut_out(self, result: Path, photo: Path, into: Path) -> Picture:
        """Make a PNG of the photo's own pixels, transparent where the result is."""
        with picture_errors():
            alpha = _shown(result, self._max_pixels)[0].getchannel("A")
            with opened(photo, ("PNG",), self._max_photo_pixels) as upright:
                upright.load()
                image = cut_from(upright, alpha)
            _save(image, into, None)
            return _described(image, "PNG")

    def render(self, cut_out: Path, recipe: Recipe, into: Path) -> Picture:
        """Make a recipe's picture of a finished cut-out."""
        with picture_errors():
            shown, profile = _shown(cut_out, self._max_photo_pixels)
            made = rendering.rendered(shown, recipe, profile)
            del shown  # its memory is needed to encode the variant
            rendering.save(made, recipe, into, profile)
            return _described(made, recipe.format)


def _shown(file: Path, max_pixels: int) -> tuple[Image.Image, bytes | None]:
    """An upright result or cut-out (RGBA), and the ICC profile of its values; None means sRGB."""
    with opened(file, RESULT_FORMATS, max_pixels) as image:
        image.load()
        orientation = orientation_of(image)
        pixels, profile = in_kept_colours(image, image.info.get("icc_profile"))
        if pixels is image and getattr(image, "n_frames", 1) > 1:
            # A picture of several frames would read its file again.
            pixels = image.copy()
    shown = turned(pixels if pixels.mode == "RGBA" else pixels.convert("RGBA"), orientation)
    return shown, profile


def _save(image: Image.Image, into: Path, profile: bytes | None) -> None:
    image.save(into, "PNG", icc_profile=profile, compress_level=_EFFORT)


def _described(image: Image.Image, format_: str, orientation: int = 1) -> Picture:
    width, height = size_as_shown(image.size, orientation)
    return Picture(
        format=format_.lower(),
        width=width,
        height=height,
        alpha_range=_alpha_range(image),
        orientation=orientation,
    )


def _alpha_range(image: Image.Image) -> tuple[int, int] | None:
    if not image.has_transparency_data:
        return None
    has_band = image.mode in {"RGBA", "LA"}
    counts = (image if has_band else image.convert("RGBA")).histogram()[-_LEVELS:]
    present = [level for level, pixels in enumerate(counts) if pixels]
    return present[0], present[-1]
