"""The subject's own colours along its edge, without the background's.

A pixel at the edge is a mixture of subject and background. Both colours are estimated from the
pixels near it: the subject's are spread outward, the background's inward, and the mixture is
separated (after Forte and Pitié, Approximate Fast Foreground Colour Estimation, ICIP 2021). Solid
pixels are not changed.
"""

from __future__ import annotations

from PIL import Image, ImageChops

from cutout.adapters.pillow.decode.opening_results import Bitmap
from cutout.adapters.pillow.edges import Box, calculated, floats, shrunk
from cutout.domain.dataclass import dataclass

# The colours of both sides change slowly, so an estimate of this size does for any photo.
_MOST_PIXELS = 1_500_000
_SURE = 0.9  # a pixel is evidence of a side's colour from this share of the side on
_TRUST = 0.02  # the weight of the coarser level's colour, against a block's own share of a side
_BILINEAR = Image.Resampling.BILINEAR
_BOX = Image.Resampling.BOX
Bands = tuple[Bitmap, Bitmap, Bitmap]


@dataclass(frozen=True, kw_only=True)
class Colours:
    """The estimated colours of subject and background, each at every place.

    `scale` is pixels of the estimates to one pixel of the photo, across and down. A photo that is
    transparent around its subject shows no background.
    """

    scale: tuple[float, float]
    subject: Bands
    background: Bands | None

    @classmethod
    def of(cls, photo: Bitmap, alpha: Bitmap) -> Colours:
        """Estimate both from the photo (RGB or RGBA) and the model's alpha (L)."""
        size = _fewer(alpha.size, _MOST_PIXELS)
        small, solid = shrunk(photo, size), alpha.resize(size, _BOX)
        clear = solid.point(lambda level: 255 - level)
        if photo.mode == "RGBA":
            # Transparent pixels of the photo belong to neither side.
            own = photo.getchannel("A").resize(size, _BOX)
            solid, clear = (ImageChops.multiply(side, own) for side in (solid, clear))
        shows_background = any(clear.histogram()[round(255 * _SURE) + 1 :])
        return cls(
            scale=(size[0] / photo.width, size[1] / photo.height),
            subject=_carried(small, _weight(solid)),
            background=_carried(small, _weight(clear)) if shows_background else None,
        )

    def tile(self, box: Box, photo: Bitmap, alpha: Bitmap) -> Bitmap:
        """The subject's colours in one part of the photo (RGB)."""
        if self.background is None:
            return photo
        across, down = self.scale
        place = box[0] * across, box[1] * down, box[2] * across, box[3] * down
        share = floats(lambda a: a["alpha"] / 255.0, alpha=alpha)
        bands = [
            calculated(
                lambda a: a["f"] + a["a"] * (a["i"] - a["a"] * a["f"] - (1.0 - a["a"]) * a["b"]),
                a=share,
                i=seen,
                f=subject.resize(photo.size, _BILINEAR, box=place),
                b=background.resize(photo.size, _BILINEAR, box=place),
            )
            for seen, subject, background in zip(
                photo.split(), self.subject, self.background, strict=True
            )
        ]
        # Of a solid pixel nothing is taken: it stays what the photo has.
        taken_apart = Image.merge("RGB", bands)
        solid = alpha.point(lambda level: 255 if level == 255 else 0)  # noqa: PLR2004
        return Image.composite(photo, taken_apart, solid)


def _fewer(size: tuple[int, int], most: int) -> tuple[int, int]:
    scale = min(1.0, (most / (size[0] * size[1])) ** 0.5)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _weight(share: Bitmap) -> Bitmap:
    """How much a pixel counts for a side, 0 to 1 (F): only if it is nearly all that side."""
    sure = 255 * _SURE
    counting = share.point(lambda level: round(max(0.0, level - sure) * 255 / (255 - sure)))
    return floats(lambda a: a["counting"] / 255.0, counting=counting)


def _carried(photo: Bitmap, weight: Bitmap) -> Bands:
    red, green, blue = (_spread(band, weight) for band in photo.split())
    return red, green, blue


def _spread(band: Bitmap, weight: Bitmap) -> Bitmap:
    """One side's colour at every place (F); outside the side, the nearest colour of it."""
    # Pyramids of weighted means, from coarse to fine: each level uses its own pixels where it has
    # some, and the coarser level elsewhere.
    levels = [(floats(lambda a: a["b"] * a["w"], b=band, w=weight), weight)]
    while max(levels[-1][1].size) > 1:
        # Half the size at each level, so that a colour spreads over the whole picture in few steps.
        levels.append((levels[-1][0].reduce(2), levels[-1][1].reduce(2)))
    known = floats(lambda a: a["s"] / (a["w"] + 1e-6), s=levels[-1][0], w=levels[-1][1])
    for sums, weights in reversed(levels[:-1]):
        coarse = known.resize(sums.size, _BILINEAR)
        known = floats(
            lambda a: (a["s"] + _TRUST * a["c"]) / (a["w"] + _TRUST),
            s=sums,
            w=weights,
            c=coarse,
        )
    return known
