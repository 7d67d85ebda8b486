"""Where variants go: templates of keys, and which of them could get into each other's way."""

import re
from collections.abc import Sequence
from string import Formatter
from typing import Any, Final

from .recipe_rules import RecipeError

DEFAULT_KEY: Final = "{folder}{stem}.{recipe}.{ext}"
_PARTS: Final = ("folder", "stem", "recipe", "ext")
_REVIEW: Final = "review/"


def template(key: str, value: object) -> str:
    """Take a key with places to fill in.

    Raises:
        RecipeError: It would lead out of the results, or give two photos one key.
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


def refuse_collisions(recipes: Sequence[dict[str, Any]], *, result_prefix: str) -> None:
    """Refuse recipes that would give one photo's variants one key, or the cut-out's own.

    Raises:
        RecipeError: Two would meet; it names the later one.
    """
    for index, recipe in enumerate(recipes):
        key = _filled(recipe)
        if key == "folder/stem.png":
            raise RecipeError(
                "key",
                f"the variant would take the key of the cut-out itself: write key = {_example()}",
                index,
            )
        if not result_prefix and key.startswith(_REVIEW):
            raise RecipeError(
                "key", f"{_REVIEW} is where results wait for a person: write another folder", index
            )
        for earlier in recipes[:index]:
            if not _meet(recipe.get("prefix", ""), earlier.get("prefix", "")):
                continue
            if recipe["name"] == earlier["name"]:
                raise RecipeError(
                    "name", f"there is a {recipe['name']} for these photos already", index
                )
            if key == _filled(earlier):
                raise RecipeError(
                    "key", f"the recipe {earlier['name']} writes to the same key", index
                )


def _meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _filled(recipe: dict[str, Any]) -> str:
    filled: str = recipe["key"].format(
        folder="folder/", stem="stem", recipe=recipe["name"], ext=recipe["format"]
    )
    return filled


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
