"""The keys of variants: their templates, and which of them could collide."""

from collections.abc import Sequence
from string import Formatter
from typing import Final

from cutout.domain.object_keys import REVIEW_FOLDER
from cutout.domain.recipes import DEFAULT_KEY, Recipe

from .value_rules import RecipeError

_PARTS: Final = ("folder", "stem", "recipe", "ext")
_EXAMPLE: Final = f'"{DEFAULT_KEY}"'


def template(key: str, value: object) -> str:
    """Read a key with placeholders; RecipeError if it leaves the results or could repeat a key."""
    if not isinstance(value, str):
        raise _refusal(key, f"must be a text, got {value!r}")
    fields = _fields(key, value)
    unknown = [one for one in fields if one not in _PARTS]
    if unknown:
        known = "{folder}, {stem}, {recipe} and {ext}"
        raise _refusal(key, f"knows {known}, not {{{unknown[0]}}}")
    if value.startswith("/") or any(one in {"", ".", ".."} for one in _segments(value)):
        places = "without a leading slash, empty parts, . and .. "
        raise _refusal(key, f"must stay among the results, {places}")
    if not {"folder", "stem"} <= set(fields) or not value.endswith(".{ext}"):
        reason = "so that no two photos share one"
        raise _refusal(key, f"must name {{folder}} and {{stem}}, {reason}, and end in .{{ext}}")
    return value


def refuse_collisions(recipes: Sequence[Recipe], *, result_prefix: str) -> None:
    """Refuse recipes that would give two variants, or one and the cut-out, the same key."""
    for index, recipe in enumerate(recipes):
        # One example is enough: the template says nothing else about the photo, so two keys that
        # are equal for one photo are equal for all.
        key = _filled(recipe)
        if key == "folder/stem.png":
            raise RecipeError(
                "key",
                f"the variant would take the key of the cut-out itself: write key = {_EXAMPLE}",
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
                    "name", f"the name {recipe.name!r} is used twice for these photos", index
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
        raise _refusal(key, "takes plain names in braces")
    return [name for _, name, _, _ in parts if name is not None]


def _segments(value: str) -> list[str]:
    """The parts between slashes; {folder} brings its own slash."""
    return value.replace("{folder}", "").split("/")


def _refusal(key: str, what: str) -> RecipeError:
    return RecipeError(key, f"{key} {what}: write {key} = {_EXAMPLE}")
