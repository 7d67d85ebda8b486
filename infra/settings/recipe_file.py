"""Reads `recipes.toml`: which variants are made of every cut-out.

Everything is checked here, before anything is deployed; a refusal names the file, the line and what
to write instead. The recipes go into the functions' assets as JSON.
"""

import codecs
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from cutout.domain.recipes import Length, Recipe

from ..assets import folders
from .recipe_options import RULES
from .settings import Settings
from .value_rules import RecipeError, SettingError
from .variant_key_templates import refuse_collisions

DEFAULT_FILE: Final = "recipes.toml"
_TABLE: Final = "recipe"
_WHITE: Final = "#ffffff"


def recipes_of(settings: Settings, project: Path | None = None) -> list[Recipe]:
    """Read a deployment's recipes, none without a file; SettingError if they cannot be deployed."""
    file = _file(project or folders.project(), settings.recipes)
    return read_recipes(file, result_prefix=settings.result_prefix) if file else []


def _file(project: Path, setting: str | None) -> Path | None:
    """Return the file that the setting names, else the one beside pyproject.toml if it exists."""
    file = project / (setting or DEFAULT_FILE)
    if file.is_file():
        return file
    if setting:
        raise SettingError(
            f"recipes names {setting}, and there is no file {file}: "
            "pass -c recipes=PATH with a path relative to the project, or leave it out"
        )
    return None


def read_recipes(file: Path, *, result_prefix: str = "") -> list[Recipe]:
    """Read and check a file of recipes.

    Raises:
        SettingError: something in it cannot be deployed.
    """
    text = _text(file)
    recipes: list[Recipe] = []
    try:
        for table in _tables(file, text):
            recipes.append(_checked(table))  # noqa: PERF401 # their number is the refused one's
        refuse_collisions(recipes, result_prefix=result_prefix)
    except RecipeError as refused:
        index = len(recipes) if refused.index is None else refused.index
        line = line_of(text, index, refused.key)
        raise SettingError(f"{file.name}:{line}: {refused}") from refused
    return recipes


def _text(file: Path) -> str:
    """Read a file as UTF-8, which TOML is; the byte-order mark of Windows' editors is allowed."""
    try:
        data = file.read_bytes()
    except OSError as refused:
        raise SettingError(f"{file.name}: {refused.strerror}: make it readable") from refused
    try:
        # UTF-16 without a mark decodes as UTF-8, zeros included, and TOML would refuse its first
        # line only.
        if (found := _utf_with_zeros(data)) is None:
            return data.decode("utf-8-sig")
        line = 1
    except UnicodeDecodeError as wrong:
        found = "Latin-1 or Windows-1252"
        line = data.count(b"\n", 0, wrong.start) + 1
    raise SettingError(
        f"{file.name}:{line}: the encoding of this file looks like {found}, and TOML is UTF-8: "
        "save it as UTF-8 in your editor"
    )


def _utf_with_zeros(data: bytes) -> str | None:
    """Name an encoding whose ASCII letters contain zero bytes, which no text in UTF-8 does."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    is_utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data
    return "UTF-16" if is_utf_16 else None


def _tables(file: Path, text: str) -> list[Mapping[str, object]]:
    try:
        page = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise SettingError(f"{file.name}: this is not TOML: {broken}") from broken
    unknown = sorted(set(page) - {_TABLE})
    if unknown:
        raise SettingError(
            f"{file.name}:{_line_of_top(text, unknown[0])}: there is nothing called "
            f"{unknown[0]} here: write a [[{_TABLE}]] for each variant"
        )
    tables = page.get(_TABLE, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise SettingError(f"{file.name}: write [[{_TABLE}]], with two brackets")
    return tables


def _line_of_top(text: str, word: str) -> int:
    lines = enumerate(text.splitlines(), start=1)
    return next((at for at, line in lines if line.lstrip(" [\"'").startswith(word)), 1)


def line_of(text: str, index: int, key: str) -> int:
    """Return the line, from 1, of a key of the recipe of that index."""
    # A key inside a table of its own (`shadow.blur`) is searched by its last part first, then by
    # its first. For a key that is not there, it is the line of the recipe's `[[recipe]]`.
    lines = text.splitlines()
    headers = [at for at, line in enumerate(lines) if _bare(line).startswith(f"[[{_TABLE}]]")]
    if index >= len(headers):
        return 1
    begin = headers[index]
    end = headers[index + 1] if index + 1 < len(headers) else len(lines)
    outer, _, inner = key.rpartition(".")
    for wanted in (inner, outer):
        for at in range(begin + 1, end):
            if wanted and _names(lines[at], wanted):
                return at + 1
    return begin + 1


def _names(line: str, key: str) -> bool:
    path, _, _ = _bare(line).replace("]", "=").partition("=")
    return path.rpartition(".")[2].strip("\"'") == key


def _bare(line: str) -> str:
    return "".join(line.split())


def _checked(table: Mapping[str, object]) -> Recipe:
    for key in table:
        if key not in RULES:
            raise RecipeError(key, f"a recipe has no {key}: it has {', '.join(RULES)}")
    values = {key: RULES[key](key, value) for key, value in table.items()}
    if "name" not in values:
        raise RecipeError("name", 'a recipe needs a name: write name = "web"')
    recipe = Recipe(**values)  # type: ignore[arg-type] # each is read by its rule
    if recipe.format == "jpg" and recipe.background is None:
        # JPEG has no transparency.
        recipe = replace(recipe, background=_WHITE)
    _refuse_contradictions(recipe)
    return recipe


def _refuse_contradictions(recipe: Recipe) -> None:
    if recipe.quality is not None and recipe.format == "png":
        raise RecipeError(
            "quality", "png loses nothing and has no quality: leave it out, or write another format"
        )
    has_room = not recipe.trim or recipe.margin != Length()
    if recipe.shadow and not has_room:
        raise RecipeError(
            "shadow", 'a shadow needs room to fall into when trimmed: write margin = "8%"'
        )
