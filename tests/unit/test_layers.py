"""import-linter knows the order of the modules in every folder of the sources."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
ORDERS: list[dict[str, Any]] = [one for one in LINTER["contracts"] if one.get("exhaustive")]
MOST_MODULES = 14
MANY = {"cutout.cli.commands"}
"""A module for each command."""


def _packages() -> Iterator[tuple[str, Path]]:
    for root in (ROOT / "functions", ROOT):
        for name in LINTER["root_packages"]:
            for marker in (root / name).rglob("__init__.py"):
                yield ".".join(marker.parent.relative_to(root).parts), marker.parent


def _modules(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]


def _packages_in(folder: Path) -> list[str]:
    return [path.parent.name for path in folder.glob("*/__init__.py")]


def test_every_package_of_the_sources_is_linted() -> None:
    """A new function's package is added to `root_packages`."""
    assert {*_packages_in(ROOT / "functions"), "infra"} == set(LINTER["root_packages"])


def test_every_folder_with_two_modules_has_an_order() -> None:
    """An exhaustive contract fails for a module that is in none of its layers."""
    folders = {
        name for name, folder in _packages() if len([*_modules(folder), *_packages_in(folder)]) > 1
    }
    assert folders == {container for one in ORDERS for container in one["containers"]}


def test_no_folder_has_circles() -> None:
    """Modules of one layer do not import each other: with `:` instead of `|`, they might."""
    assert [layer for one in ORDERS for layer in one["layers"] if ":" in layer] == []
    assert [
        one["name"] for one in ORDERS if {"ignore_imports", "exhaustive_ignores"} & {*one}
    ] == []


def test_no_folder_holds_many_modules() -> None:
    """A reader looks through the names of a folder at once."""
    many = {name for name, folder in _packages() if len(_modules(folder)) > MOST_MODULES}
    assert many == MANY
