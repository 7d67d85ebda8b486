"""Recipes: what is made of a finished cut-out, besides the transparent PNG.

Users write them in `recipes.toml`. The synth checks that file (infra/settings/recipe_file.py) and
puts it as JSON into StoreResult's asset. Here they are typed values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cutout.domain.errors import SettingsError
from cutout.domain.serialization import from_row, to_row
from cutout.domain.states import Pixels

RECIPES_FILE = "recipes.json"
"""The recipes' file in a function's asset, in the folder of the package `cutout`."""
DEFAULT_KEY = "{folder}{stem}.{recipe}.{ext}"
FORMATS = ("png", "webp", "avif", "jpg")
LONGEST_SIDE = 16_383
"""Pixels of a variant's side; the limit of WebP."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """So many pixels, or a share of the shorter side of the variant, 0 to 1."""

    pixels: int = 0
    share: float = 0.0

    def of(self, side: int) -> int:
        """In whole pixels, where the shorter side has so many."""
        return self.pixels + round(self.share * side)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """The variant's exact size in pixels; the picture is scaled to fit inside and centred."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shadow:
    """A soft black shadow behind the subject.

    Attributes:
        opacity: how dark, 0 to 1.
        blur: how soft: the standard deviation of the blur.
        right: how far it falls to the right; negative means to the left.
        down: how far it falls down.
    """

    opacity: float
    blur: Length
    right: Length = Length()
    down: Length = Length()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How one variant is made.

    Attributes:
        prefix: it applies to photos whose keys begin with this.
        format: png, webp, avif or jpg.
        background: `#rrggbb`, in sRGB; None keeps the background transparent.
        trim: cut away what is empty around the subject.
        margin: empty space on every side of the picture.
        fit: the exact size; None leaves the picture as large as it is.
        quality: 1 to 100; None for formats without loss, or as the format's default.
        pixels: whose pixels; None means the deployment's setting.
        key: where it goes, with {folder}, {stem}, {recipe} and {ext} filled in.
    """

    name: str
    prefix: str = ""
    format: str = "png"
    background: str | None = None
    trim: bool = False
    margin: Length = Length()
    fit: Fit | None = None
    quality: int | None = None
    shadow: Shadow | None = None
    pixels: Pixels | None = None
    key: str = DEFAULT_KEY

    @property
    def content_type(self) -> str:
        """The MIME type of what it makes."""
        return "image/jpeg" if self.format == "jpg" else f"image/{self.format}"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPixels:
    """Which photos give a cut-out or a variant their own pixels.

    Attributes:
        pixels: whose pixels a cut-out has where no recipe says otherwise.
    """

    pixels: Pixels
    recipes: tuple[Recipe, ...] = ()

    def are_wanted(self, source_key: str) -> bool:
        """Whether anything that is made of this photo has its own pixels."""
        asked = {one.pixels for one in recipes_for(self.recipes, source_key)}
        return Pixels.SOURCE in {self.pixels, *asked}


def write_recipes(recipes: Sequence[Recipe]) -> str:
    """What `read_recipes` reads; the same recipes give the same text."""
    rows = [to_row(one) for one in recipes]
    return json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=False)


def read_recipes(text: str) -> tuple[Recipe, ...]:
    """The recipes that were built into the asset.

    Raises:
        SettingsError: the text is not what a synth writes.
    """
    try:
        return tuple(from_row(Recipe, one) for one in json.loads(text))
    except (ValueError, TypeError, AttributeError, KeyError) as exc:
        raise SettingsError(f"the recipes in the asset cannot be read: {exc}") from exc


def recipes_for(recipes: tuple[Recipe, ...], source_key: str) -> tuple[Recipe, ...]:
    """Those that apply to a photo, by the key that it was uploaded under."""
    return tuple(one for one in recipes if source_key.startswith(one.prefix))
