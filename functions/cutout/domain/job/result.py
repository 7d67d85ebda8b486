"""The result of a job: the stored object, its variants, and the cached result it was made from."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from cutout.domain.dataclass import dataclass
from cutout.domain.states import Pixels


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The stored object. Size in bytes, width and height in pixels.

    Attributes:
        pixels: whether its colours are the model's or the photo's.
        remark: how it differs from the settings, and why; None if it does not.
    """

    bucket: str
    key: str
    size: int
    width: int
    height: int
    sha256: str
    pixels: Pixels = Pixels.MODEL
    remark: str | None = None


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Reuse:
    """The cached result that completes a job at no cost.

    Attributes:
        job_id: the job that paid for it.
        key: of the cached result in the work bucket.
        sha256: of the cached result.
        task_id: the task that made it.
        credits_saved: what a call would have cost.
        is_of_copy: the provider received a copy that is upright and in sRGB, like the result.
        is_accepted: a person accepted it when it was under review: the checks do not count.
    """

    job_id: str
    key: str
    sha256: str
    task_id: str
    credits_saved: Decimal
    is_of_copy: bool = False
    is_accepted: bool = False
