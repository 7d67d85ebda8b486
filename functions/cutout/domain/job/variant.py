"""Variants of a cut-out."""

from __future__ import annotations

from datetime import datetime

from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A variant that a recipe made of a cut-out. Size in bytes, width and height in pixels.

    Attributes:
        recipe: the recipe's name.
        key: in the results bucket; None if it could not be made.
        format: png, webp, avif or jpg.
        made_at: when it was made, or when making it failed.
        problem: why it could not be made; None if it was.
    """

    recipe: str
    format: str
    made_at: datetime
    key: str | None = None
    size: int = 0
    width: int = 0
    height: int = 0
    sha256: str = ""
    problem: str | None = None


def replaced(current: tuple[Variant, ...], new: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """The variants with new ones added, or in place of those of the same recipe."""
    by_recipe = {one.recipe: one for one in (*current, *new)}
    return tuple(by_recipe.values())
