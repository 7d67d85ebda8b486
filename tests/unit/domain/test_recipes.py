"""Recipes as they are stored in the asset, and what they need."""

from __future__ import annotations

import pytest

from cutout.domain.errors import SettingsError
from cutout.domain.recipes import (
    Fit,
    Length,
    OwnPixels,
    Recipe,
    Shadow,
    read_recipes,
    recipes_for,
    write_recipes,
)
from cutout.domain.states import Pixels

WEB = Recipe(name="web", prefix="shoes/", format="jpg", pixels=Pixels.SOURCE)
FULL = Recipe(
    name="full",
    background="#ffffff",
    trim=True,
    margin=Length(share=0.1),
    fit=Fit(width=30, height=20),
    quality=80,
    shadow=Shadow(opacity=0.5, blur=Length(pixels=3), right=Length(pixels=-1), down=Length()),
    key="{stem}.{ext}",
)


@pytest.mark.parametrize(
    ("length", "pixels"),
    [
        (Length(), 0),
        (Length(pixels=12), 12),
        (Length(share=0.05), 10),
        (Length(pixels=2, share=0.1), 22),
        (Length(share=0.0149), 3),
    ],
)
def test_a_length_is_pixels_or_a_share_of_the_shorter_side(length: Length, pixels: int) -> None:
    """In whole pixels; the side has 200."""
    assert length.of(200) == pixels


def test_recipes_are_read_as_they_were_written() -> None:
    """`cdk synth` writes them, StoreResult reads them."""
    assert read_recipes(write_recipes([WEB, FULL])) == (WEB, FULL)
    for text in ("{", "[3]", '[{"prefix": "a"}]', "3"):
        with pytest.raises(SettingsError):
            read_recipes(text)


def test_recipes_apply_to_photos_under_their_prefix() -> None:
    """In their order."""
    assert recipes_for((WEB, FULL), "shoes/a.jpg") == (WEB, FULL)
    assert recipes_for((WEB, FULL), "hats/a.jpg") == (FULL,)
    assert (WEB.content_type, FULL.content_type) == ("image/jpeg", "image/png")


@pytest.mark.parametrize(
    ("pixels", "key", "are_wanted"),
    [
        (Pixels.MODEL, "hats/a.jpg", False),
        (Pixels.MODEL, "shoes/a.jpg", True),
        (Pixels.SOURCE, "hats/a.jpg", True),
    ],
)
def test_the_photos_own_pixels_are_needed_by_setting_or_by_a_recipe(
    pixels: Pixels,
    key: str,
    are_wanted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """For the cut-out or a variant of it."""
    assert OwnPixels(pixels=pixels, recipes=(WEB, FULL)).are_wanted(key) == are_wanted


def test_recipes_are_written_with_one_field_a_line_and_without_defaults() -> None:
    """The same recipes give the same asset."""
    text = write_recipes([Recipe(name="a")])
    assert text.splitlines()[:3] == ["[", " {", '  "format": "png",']
    assert not Recipe(name="a").trim
