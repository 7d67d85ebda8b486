"""The pictures on the pages: `python -m tests.benchmarks.page_pictures` writes them to `.readme/`.

`before-after.jpg` has two of the shipped photos beside their cut-outs, `variants.png` one photo in
all variants of `infra/examples/recipes.example.toml`. The cut-outs are the local stand-in's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from cutout.adapters.pillow.pillow_pictures import PillowPictures
from infra.local.evolink.background_removal import remove_background
from infra.local.place import shipped_photos
from infra.settings.recipe_options import read_recipes

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / ".readme"
_EXAMPLE = _ROOT / "infra/examples/recipes.example.toml"
_CELL = 224
_GAP = 14
_TEXT = 30
_SQUARE = 10


def main() -> None:
    """Write both pictures."""
    photos = {path.stem: path for path in shipped_photos()}
    sheet(_before_and_after(photos)).save(_FOLDER / "before-after.jpg", quality=88, optimize=True)
    page = sheet(_variants(photos["coffee"]))
    few_colours = page.quantize(192, dither=Image.Dither.FLOYDSTEINBERG)
    few_colours.save(_FOLDER / "variants.png", optimize=True)


def _before_and_after(photos: Mapping[str, Path]) -> Iterator[tuple[str, Image.Image]]:
    for name in ("coffee", "astronaut"):
        with Image.open(photos[name]) as photo:
            yield "before", photo.convert("RGB")
            yield "after", remove_background(photo)


def _variants(path: Path) -> Iterator[tuple[str, Image.Image]]:
    pictures = PillowPictures(50_000_000)
    with Image.open(path) as photo, tempfile.TemporaryDirectory() as folder:
        yield "photo", photo.convert("RGB")
        cut_out = Path(folder) / "cut-out.png"
        remove_background(photo).save(cut_out)
        yield "the cut-out (png)", Image.open(cut_out)
        for recipe in read_recipes(_EXAMPLE):
            into = Path(folder) / recipe.name
            pictures.render(cut_out, recipe, into)
            with Image.open(into) as made:
                yield f"{recipe.name} ({recipe.format})", made.convert("RGBA")


def sheet(named: Iterable[tuple[str, Image.Image]]) -> Image.Image:
    """Put all side by side, on squares where they are transparent, each with its name."""
    shown = list(named)
    width = len(shown) * (_CELL + _GAP) + _GAP
    page = Image.new("RGB", (width, _CELL + _TEXT + 2 * _GAP), "#ffffff")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(15)
    for number, (name, picture) in enumerate(shown):
        left = _GAP + number * (_CELL + _GAP)
        small = picture.convert("RGBA")
        small.thumbnail((_CELL, _CELL), Image.Resampling.LANCZOS)
        ground = _squares(small.size)
        ground.alpha_composite(small)
        top = _GAP + (_CELL - small.height) // 2
        at = left + (_CELL - small.width) // 2
        page.paste(ground.convert("RGB"), (at, top))
        draw.rectangle((at - 1, top - 1, at + small.width, top + small.height), outline="#d8d8d4")
        draw.text((left + _CELL // 2, _GAP + _CELL + 8), name, "#333333", font, anchor="ma")
    return page


def _squares(size: tuple[int, int]) -> Image.Image:
    ground = Image.new("RGBA", size, "#ffffff")
    draw = ImageDraw.Draw(ground)
    for left in range(0, size[0], _SQUARE):
        for top in range(left // _SQUARE % 2 * _SQUARE, size[1], 2 * _SQUARE):
            draw.rectangle((left, top, left + _SQUARE - 1, top + _SQUARE - 1), "#e6e6e2")
    return ground


if __name__ == "__main__":
    main()
