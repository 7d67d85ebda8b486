"""The README's picture of one photo in all variants: `python -m tests.benchmarks.variants FILE`.

The recipes are those of `infra/examples/recipes.example.toml`; the cut-out is the local stand-in's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from cutout.adapters.pillow.pictures import PillowPictures
from cutout.domain.recipes import read_recipes
from infra.local.evolink.cutting.background_removal import remove_background
from infra.local.place import shipped_photos
from infra.settings.recipe_file import as_json
from infra.settings.recipe_file import read_recipes as read_toml

_EXAMPLE = Path(__file__).parents[2] / "infra/examples/recipes.example.toml"
_CELL = 224
_GAP = 14
_TEXT = 30
_SQUARE = 10


def main(file: Path) -> None:
    """Write the picture."""
    pictures = PillowPictures(50_000_000)
    photo = next(one for one in shipped_photos() if one.stem == "coffee")
    shown = {"photo": Image.open(photo).convert("RGB")}
    with tempfile.TemporaryDirectory() as folder:
        cut_out = Path(folder) / "cut-out.png"
        remove_background(Image.open(photo)).save(cut_out)
        shown["the cut-out (png)"] = Image.open(cut_out).convert("RGBA")
        for recipe in read_recipes((as_json(read_toml(_EXAMPLE)) or b"[]").decode()):
            into = Path(folder) / recipe.name
            pictures.render(cut_out, recipe, into)
            with Image.open(into) as made:
                shown[f"{recipe.name} ({recipe.format})"] = made.convert("RGBA")
    sheet(shown).save(file, optimize=True)


def sheet(shown: dict[str, Image.Image]) -> Image.Image:
    """All side by side, on squares where they are transparent, each with its name."""
    width = len(shown) * (_CELL + _GAP) + _GAP
    page = Image.new("RGB", (width, _CELL + _TEXT + 2 * _GAP), "#ffffff")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(15)
    for number, (name, picture) in enumerate(shown.items()):
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
    return page.quantize(192, dither=Image.Dither.FLOYDSTEINBERG)


def _squares(size: tuple[int, int]) -> Image.Image:
    ground = Image.new("RGBA", size, "#ffffff")
    draw = ImageDraw.Draw(ground)
    for left in range(0, size[0], _SQUARE):
        for top in range(left // _SQUARE % 2 * _SQUARE, size[1], 2 * _SQUARE):
            draw.rectangle((left, top, left + _SQUARE - 1, top + _SQUARE - 1), "#e6e6e2")
    return ground


if __name__ == "__main__":
    main(Path(sys.argv[1]))
