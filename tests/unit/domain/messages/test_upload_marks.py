"""Instructions in an upload's metadata, which every uploader can write."""

from __future__ import annotations

import pytest

from cutout.domain.errors import NotAPhotoError
from cutout.domain.messages.upload_marks import read_marks
from cutout.domain.object_keys import RECIPES_MARK, SKIP_MARK
from cutout.domain.reasons import Reason

MANY = tuple(f"r{number}" for number in range(20))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("web", ("web",)),
        (" web , market,web,", ("web", "market")),
        ("", ()),
        (" , ", ()),
        ("we\nb\ud800", ("we b",)),
        ("x" * 101, ("x" * 97 + "…",)),
        (",".join([*MANY, "r20"]), MANY),
    ],
)
def test_recipe_names_are_few_short_and_printable(text: str, names: tuple[str, ...]) -> None:
    """Each is listed once."""
    assert read_marks({RECIPES_MARK: text}).recipes == names


def test_without_the_mark_no_recipes_are_chosen() -> None:
    """All recipes apply then."""
    assert read_marks({"recipes": "web"}).recipes is None


@pytest.mark.parametrize("text", ["true", " TRUE "])
def test_a_photo_can_be_skipped(text: str) -> None:
    """In upper or lower case."""
    with pytest.raises(NotAPhotoError) as caught:
        read_marks({SKIP_MARK: text})
    assert caught.value.reason is Reason.SKIPPED_BY_UPLOADER


@pytest.mark.parametrize("text", ["", "false", "yes", "true true"])
def test_only_true_skips_a_photo(text: str) -> None:
    """An unwanted cut-out is noticed; a missing one might not be."""
    read_marks({SKIP_MARK: text})
