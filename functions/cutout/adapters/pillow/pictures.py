"""Looking into picture files, and making others of them, with Pillow."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from cutout.adapters.pillow import comparing, rendering
from cutout.adapters.pillow.faithful import cut_from
from cutout.adapters.pillow.opening import (
    RESULT_FORMATS,
    orientation_of,
    read_source,
    told_in_words,
    turned,
)
from cutout.errors import PictureError
from cutout.ports.pictures import Picture
from cutout.recipes import Recipe


class PillowPictures:
    """Decodes results, finishes cut-outs, renders variants.

    Args:
        max_pixels: what is larger is not decoded: a bomb costs no memory.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels

    def examine(self, file: Path) -> Picture | None:
        """Decode the whole file; None if it is not a picture that can be decoded."""
        try:
            with told_in_words(), Image.open(file, formats=RESULT_FORMATS) as image:
                if image.width * image.height > self._max_pixels:
                    return None
                image.load()
                return _described(image, image.format or "", orientation_of(image))
        except PictureError:
            return None

    def cut_out(
        self,
        result: Path,
        source: Path | None,
        into: Path,
        *,
        size: tuple[int, int] | None = None,
    ) -> Picture:
        """Make a PNG of the model's own pixels, turned and coloured as the photo is shown."""
        with told_in_words():
            image, profile, is_as_it_came = self._upright(result, source)
            if size is not None and image.size != size:
                # Pillow weighs colours by their alpha; without negative weights, no edge rings.
                image = image.resize(size, Image.Resampling.HAMMING)
                is_as_it_came = False
            if is_as_it_came:
                shutil.copyfile(result, into)
            else:
                image.save(into, "PNG", icc_profile=profile)
            return _described(image, "PNG")

    def faithful_cut_out(self, result: Path, source: Path, into: Path) -> Picture:
        """Make a PNG of the photo's own pixels, transparent where the result is."""
        with told_in_words():
            alpha = self._alpha(result, source)
            photo = read_source(source, max_pixels=self._max_pixels)
            pixels = turned(photo.pixels, photo.orientation)
            own_alpha = photo.alpha and turned(photo.alpha, photo.orientation)
            profile = photo.profile
            del photo  # its pixels stay only as they are shown
            image = cut_from(pixels, alpha, own_alpha)
            image.save(into, "PNG", icc_profile=profile)
            return _described(image, "PNG")

    def render(self, cut_out: Path, recipe: Recipe, into: Path) -> Picture:
        """Make a recipe's picture of a finished cut-out."""
        with told_in_words():
            image, profile = self._opened(cut_out)
            made = rendering.rendered(image, recipe, profile)
            del image
            rendering.save(made, recipe, into, profile)
            return _described(made, recipe.format)

    def _upright(self, result: Path, source: Path | None) -> tuple[Image.Image, bytes | None, bool]:
        """The result as its photo is shown, its profile, and whether its file is that already."""
        with Image.open(result, formats=RESULT_FORMATS) as opened:
            own_turn = orientation_of(opened)
            is_png = opened.format == "PNG"
        image, profile = self._opened(result)
        turn, found = 1, None
        if source is not None:
            photo = read_source(source, max_pixels=self._max_pixels, side=2 * comparing.SIDE)
            turn = comparing.turn_of(image, photo)
            image = turned(image, turn)
            found = None if profile else comparing.profile_of(image, photo)
        is_as_it_came = is_png and own_turn == 1 and turn == 1 and found is None
        return image, profile or found, is_as_it_came

    def _alpha(self, result: Path, source: Path) -> Image.Image:
        """The result's transparency as its photo is shown."""
        image, _profile = self._opened(result)
        photo = read_source(source, max_pixels=self._max_pixels, side=2 * comparing.SIDE)
        return turned(image.getchannel("A"), comparing.turn_of(image, photo))

    def _opened(self, file: Path) -> tuple[Image.Image, bytes | None]:
        """A result, or a cut-out, as its file says it is shown (RGBA), and its profile."""
        with Image.open(file, formats=RESULT_FORMATS) as opened:
            if opened.width * opened.height > self._max_pixels:
                raise PictureError(f"it has more than {self._max_pixels:,} pixels")
            orientation = orientation_of(opened)
            profile: bytes | None = opened.info.get("icc_profile")
            image = opened.copy() if opened.mode == "RGBA" else opened.convert("RGBA")
        return turned(image, orientation), profile


def _described(image: Image.Image, format_: str, orientation: int = 1) -> Picture:
    width, height = image.size
    if orientation >= 5:  # noqa: PLR2004 - the first of those that lie on their side
        width, height = height, width
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
    alpha = image.getchannel("A") if has_band else image.convert("RGBA").getchannel("A")
    present = [level for level, pixels in enumerate(alpha.histogram()) if pixels]
    return present[0], present[-1]
