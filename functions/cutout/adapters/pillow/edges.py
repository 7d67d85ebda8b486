"""The edge of a cut-out at the photo's resolution, from the model's alpha at a lower one.

The alpha is enlarged, which blurs it. Its detail is restored from the photo with a guided filter
whose coefficients are fitted at the model's resolution (He and Sun, Fast Guided Filter,
arXiv:1505.00996). Only a band along the edge changes, and nothing if the resolutions are equal.
"""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageChops, ImageFilter, ImageMath

from cutout.adapters.pillow.decode.opening_results import Bitmap
from cutout.domain.dataclass import dataclass

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels of the photo."""
_WINDOW = 3  # pixels of the model's picture, in each direction, that share one coefficient
_FRAME = 4 * _WINDOW
# Variance of the guide, in levels squared, below which the filter blurs more than it follows.
_SMOOTHNESS = 10.0**2
_BAND = 5  # pixels of the model's picture: how wide the edge's neighbourhood is
_FLAT = 8  # a smaller difference of alpha levels is not an edge
_BILINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The alpha of any part of a photo.

    `scale` is pixels of the model's picture to one pixel of the photo, across and down. The alpha,
    the model's, has a frame that repeats its outermost pixels, as has `guide`, the photo in grey;
    None if the model's picture is as large. `band` is where the alpha changes, without a frame.
    """

    scale: tuple[float, float]
    alpha: Bitmap
    guide: Bitmap | None
    band: Bitmap

    @classmethod
    def of(cls, photo: Bitmap, alpha: Bitmap) -> Edge:
        """The edge of a photo (RGB or RGBA), from the model's alpha (L)."""
        if alpha.width > photo.width or alpha.height > photo.height:
            alpha = alpha.resize(photo.size, Image.Resampling.BOX)
        guide = None
        if alpha.size != photo.size:
            guide = _framed(shrunk(photo, alpha.size).convert("L"))
        return cls(
            scale=(alpha.width / photo.width, alpha.height / photo.height),
            alpha=_framed(alpha),
            guide=guide,
            band=_band(alpha),
        )

    def tile(self, box: Box, photo: Bitmap) -> Bitmap:
        """The alpha (L) of one part of the photo, the box, whose pixels (RGB) are `photo`."""
        place = self._place(box)
        left, top, right, bottom = place
        framed = left + _FRAME, top + _FRAME, right + _FRAME, bottom + _FRAME
        plain = self.alpha.resize(photo.size, Image.Resampling.BICUBIC, box=framed)
        if self.guide is None:
            return plain
        band = self.band.resize(photo.size, _BILINEAR, box=place)
        if band.getbbox() is None:
            return plain
        blurred = self.guide.resize(photo.size, Image.Resampling.BICUBIC, box=framed)
        sharper = calculated(
            lambda a: a["plain"] + a["slope"] * (a["grey"] - a["blurred"]),
            plain=plain,
            slope=self._slope(place, photo.size),
            grey=photo.convert("L"),
            blurred=blurred,
        )
        return Image.composite(sharper, plain, band)

    def _place(self, box: Box) -> tuple[float, float, float, float]:
        across, down = self.scale
        return box[0] * across, box[1] * down, box[2] * across, box[3] * down

    def _slope(self, place: tuple[float, float, float, float], size: tuple[int, int]) -> Bitmap:
        """Levels of alpha to one level of grey, by windows that overlap by half (F)."""
        left, top, right, bottom = place
        columns = int(left // _WINDOW) - 2, int(right // _WINDOW) + 2
        rows = int(top // _WINDOW) - 2, int(bottom // _WINDOW) + 2
        framed = tuple(at * _WINDOW + _FRAME for at in (columns[0], rows[0], columns[1], rows[1]))
        alpha, guide = (
            it.crop(_whole(framed)).convert("F") for it in (self.alpha, self.guide or self.alpha)
        )
        both = floats(lambda a: a["alpha"] * a["guide"], alpha=alpha, guide=guide)
        square = floats(lambda a: a["guide"] * a["guide"], guide=guide)
        windows = columns[1] - columns[0], rows[1] - rows[0]
        slope = floats(
            lambda a: (a["ip"] - a["i"] * a["p"]) / (a["ii"] - a["i"] * a["i"] + _SMOOTHNESS),
            p=alpha.resize(windows, _BILINEAR),
            i=guide.resize(windows, _BILINEAR),
            ip=both.resize(windows, _BILINEAR),
            ii=square.resize(windows, _BILINEAR),
        )
        box = (
            left / _WINDOW - columns[0],
            top / _WINDOW - rows[0],
            right / _WINDOW - columns[0],
            bottom / _WINDOW - rows[0],
        )
        return slope.resize(size, _BILINEAR, box=box)


def _whole(place: tuple[int, ...]) -> Box:
    left, top, right, bottom = place
    return left, top, right, bottom


def _band(alpha: Bitmap) -> Bitmap:
    """Solid along the edge, clear elsewhere."""
    widest = alpha.filter(ImageFilter.MaxFilter(_BAND))
    least = alpha.filter(ImageFilter.MinFilter(_BAND))
    return ImageChops.subtract(widest, least).point(lambda level: 255 if level > _FLAT else 0)


def _framed(image: Bitmap) -> Bitmap:
    """The picture with its outermost pixels repeated around it, so that every window is whole."""
    width, height = image.size
    framed = Image.new(image.mode, (width + 2 * _FRAME, height + 2 * _FRAME))
    framed.paste(image, (_FRAME, _FRAME))
    for column, onto in ((0, 0), (width - 1, width + _FRAME)):
        strip = image.crop((column, 0, column + 1, height)).resize((_FRAME, height))
        framed.paste(strip, (onto, _FRAME))
    for row, onto in ((_FRAME, 0), (height + _FRAME - 1, height + _FRAME)):
        strip = framed.crop((0, row, framed.width, row + 1)).resize((framed.width, _FRAME))
        framed.paste(strip, (0, onto))
    return framed


def shrunk(photo: Bitmap, size: tuple[int, int]) -> Bitmap:
    """A small copy in RGB, of transparent pixels as well."""
    # An RGBA picture is shrunk band by band: Pillow would weight colours by their alpha, and make a
    # copy as large as the photo for it.
    if photo.mode == "RGB":
        return photo.resize(size, Image.Resampling.BOX)
    bands = [photo.getchannel(band).resize(size, Image.Resampling.BOX) for band in "RGB"]
    return Image.merge("RGB", bands)


def floats(formula: Any, **pictures: Bitmap) -> Bitmap:  # noqa: ANN401 - ImageMath's own type
    """A formula over pictures, pixel by pixel, in floating point (F)."""
    made: Bitmap = ImageMath.lambda_eval(formula, **_wide(pictures))
    return made


def calculated(formula: Any, **pictures: Bitmap) -> Bitmap:  # noqa: ANN401 - the same
    """A formula over pictures, pixel by pixel, rounded and limited to 0 to 255 (L)."""
    made: Bitmap = ImageMath.lambda_eval(lambda a: formula(a) + 0.5, **_wide(pictures))
    return made.convert("L")


def _wide(pictures: dict[str, Bitmap]) -> dict[str, Bitmap]:
    return {name: it if it.mode == "F" else it.convert("F") for name, it in pictures.items()}
