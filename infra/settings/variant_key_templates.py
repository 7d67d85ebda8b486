"""The keys of variants: their templates, and which of them could collide."""

import re
from collections.abc import Sequence
from string import Formatter
from typing import Final

from cutout.domain.object_keys import REVIEW_FOLDER
from cutout.domain.recipes import DEFAULT_KEY, Recipe

from .value_rules import RecipeError

_PARTS: Final = ("folder", "stem", "recipe", "ext")


def template(key: str, value: object) -> str:
    """Read a key with placeholders.

    Raises:
        RecipeError: It would leave the results, or give two photos one key.
    """
    if not isinstance(value, str):
        raise RecipeError(key, f"{key} must be a text, got {value!r}: write {key} = {_example()}")
    fields = _fields(key, value)
    unknown = [one for one in fields if one not in _PARTS]
    if unknown:
        raise RecipeError(
            key,
            f"{key} knows {{folder}}, {{stem}}, {{recipe}} and {{ext}}, not {{{unknown[0]}}}: "
            f"write {key} = {_example()}",
        )
    if value.startswith("/") or any(one in {"", ".", ".."} for one in _segments(value)):
        raise RecipeError(
            key,
            f"{key} must stay among the results, without a leading slash, empty parts, . and .. : "
            f"write {key} = {_example()}",
        )
    if not {"folder", "stem"} <= set(fields) or not value.endswith(".{ext}"):
        raise RecipeError(
            key,
            f"{key} must name {{folder}} and {{stem}}, so that no two photos share one, and end in "
            f".{{ext}}: write {key} = {_example()}",
        )
    return value


def refuse_collisions(recipes: Sequence[Recipe], *, result_prefix: str) -> None:
    """Refuse recipes that would give one photo's variants one key, or the cut-out's own.

    Raises:
        RecipeError: Two collide; it names the later one.
    """
    for index, recipe in enumerate(recipes):
        # One example is enough: the template says nothing else about the photo, so two keys that
        # are equal for one photo are equal for all.
        key = _filled(recipe)
        if key == "folder/stem.png":
            raise RecipeError(
                "key",
                f"the variant would take the key of the cut-out itself: write key = {_example()}",
                index,
            )
        if not result_prefix and key.startswith(REVIEW_FOLDER):
            raise RecipeError(
                "key",
                f"{REVIEW_FOLDER} is where results wait for a person: write another folder",
                index,
            )
        for earlier in recipes[:index]:
            if not _overlap(recipe.prefix, earlier.prefix):
                continue
            if recipe.name == earlier.name:
                raise RecipeError(
                    "name", f"there is a {recipe.name} for these photos already", index
                )
            if key == _filled(earlier):
                raise RecipeError("key", f"the recipe {earlier.name} writes to the same key", index)


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _filled(recipe: Recipe) -> str:
    return recipe.key.format(folder="folder/", stem="stem", recipe=recipe.name, ext=recipe.format)


def _fields(key: str, value: str) -> list[str]:
    try:
        parts = list(Formatter().parse(value))
    except ValueError as broken:
        raise RecipeError(key, f"{key} is not a template ({broken})") from broken
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise RecipeError(key, f"{key} takes plain names in braces: write {key} = {_example()}")
    return [name for _, name, _, _ in parts if name is not None]


def _segments(value: str) -> list[str]:
    """The parts between slashes; {folder} brings its own slash."""
    return re.sub(r"\{folder\}", "", value).split("/")


def _example() -> str:
    return f'"{DEFAULT_KEY}"'
