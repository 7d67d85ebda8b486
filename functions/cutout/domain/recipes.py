"""Recipes for variants of a cut-out, besides the transparent PNG.

Users write them in `recipes.toml`. The synth checks that file
(infra/settings/recipe_file.py) and puts it as JSON into StoreResult's asset.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import SettingsError
from cutout.domain.object_keys import RESULT_EXTENSION, digest_of, fitted
from cutout.domain.serialization import from_row, to_row
from cutout.domain.states import Pixels

RECIPES_FILE = "recipes.json"
"""The recipes' file in a function's asset, in the folder of the package `cutout`."""
DEFAULT_KEY = "{folder}{stem}.{recipe}.{ext}"
FORMATS = ("png", "webp", "avif", "jpg")
MOST_RECIPES = 20
"""That an upload's metadata may choose."""
RECIPE_NAME_BYTES = 100
"""Of UTF-8, where the metadata names one."""
LONGEST_SIDE = 16_383
"""Pixels of a variant's side; the limit of WebP."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """A length in pixels, or as a share of the variant's shorter side, 0 to 1."""

    pixels: int = 0
    share: float = 0.0

    def of(self, side: int) -> int:
        """The length in whole pixels, for a shorter side of `side` pixels."""
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
        prefix: the recipe applies to photos whose keys begin with it.
        format: png, webp, avif or jpg.
        background: `#rrggbb`, in sRGB; None keeps the background transparent.
        trim: remove the empty space around the subject.
        margin: empty space on every side of the picture.
        fit: the exact size; None leaves the picture as large as it is.
        quality: 1 to 100; None for lossless formats, or the format's default.
        pixels: the model's or the photo's; None means the deployment's setting.
        key: the variant's key, a template with {folder}, {stem}, {recipe} and {ext}.
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
        """The MIME type of the variant."""
        return "image/jpeg" if self.format == "jpg" else f"image/{self.format}"

    def keys(self, result_key: str, result_prefix: str) -> Iterator[str]:
        """Candidates for the variant's key, by the cut-out's; the first free one is claimed.

        The second has a hash of the result key and the recipe, which is unique.
        """
        plain = result_key.removeprefix(result_prefix).removesuffix(RESULT_EXTENSION)
        folder, slash, stem = plain.rpartition("/")
        digest, extension = digest_of(f"{result_key}\0{self.name}"), f".{self.format}"
        for name in (stem, f"{stem}-{digest}"):
            key = self.key.format(
                folder=folder + slash, stem=name, recipe=self.name, ext=self.format
            )
            yield fitted(result_prefix + key.removesuffix(extension), digest, extension)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPixels:
    """For which photos a cut-out or a variant uses the photo's own pixels.

    Attributes:
        pixels: the deployment's setting.
    """

    pixels: Pixels
    recipes: tuple[Recipe, ...] = ()

    def are_wanted(self, source_key: str) -> bool:
        """Whether the cut-out or a variant of this photo uses its own pixels."""
        asked = {one.pixels for one in recipes_for(self.recipes, source_key)}
        return Pixels.SOURCE in {self.pixels, *asked}


def write_recipes(recipes: Sequence[Recipe]) -> str:
    """What `read_recipes` reads; the same recipes give the same text."""
    rows = [to_row(one) for one in recipes]
    return json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=False)


def read_recipes(text: str) -> tuple[Recipe, ...]:
    """The recipes in the asset.

    Raises:
        SettingsError: the text is malformed.
    """
    try:
        return tuple(from_row(Recipe, one) for one in json.loads(text))
    except (ValueError, TypeError, AttributeError, KeyError) as exc:
        raise SettingsError(f"the recipes in the asset cannot be read: {exc}") from exc


def recipes_for(recipes: tuple[Recipe, ...], source_key: str) -> tuple[Recipe, ...]:
    """The recipes that apply to a photo, by its key."""
    return tuple(one for one in recipes if source_key.startswith(one.prefix))
