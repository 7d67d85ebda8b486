"""Finds the modules of ours that a handler needs: its imports, their imports, and so on.

It reads syntax trees and runs nothing. Imports for type checkers only do not count; imports inside
functions do.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..version import NEVER_SHIPPED
from .build_commands import AssetError


def own_modules(root: Path, *modules: str) -> dict[str, Path]:
    """Return the files under `root` that `modules` need, by their path there.

    AssetError: a module does not exist, or it imports one that must not be shipped.
    """
    for module in modules:
        if not _files(root, module):
            raise AssetError(f"there is no module {module} under {root}")
    found: dict[str, Path] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(module, (module,)) for module in modules]
    seen = set(modules)
    while waiting:
        name, trail = waiting.pop()
        if _is_never_shipped(name.replace(".", "/")):
            raise AssetError(f"{name} is not for Lambda, but is imported: {' -> '.join(trail)}")
        # A package's __init__ runs when any of its modules is imported, so it is shipped, too.
        for path in _files(root, name):
            found[path.relative_to(root).as_posix()] = path
            package = path.relative_to(root).parent.parts
            for wanted in _imports(path.read_bytes(), package):
                if wanted not in seen and _files(root, wanted):
                    seen.add(wanted)
                    waiting.append((wanted, (*trail, wanted)))
    return dict(sorted(found.items()))


def shippable(root: Path) -> dict[str, Path]:
    """Return every module under `root` that a handler may need, by its path there."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    return {name: path for name, path in sorted(found.items()) if not _is_never_shipped(name)}


def _is_never_shipped(name: str) -> bool:
    return any(f"{name}/".startswith(f"{folder}/") for folder in NEVER_SHIPPED)


def _files(root: Path, module: str) -> list[Path]:
    """Return the files that importing a module runs, its packages' first; none if not ours."""
    parts = module.split(".")
    place = root.joinpath(*parts)
    own = [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]
    if not own:
        return []
    parents = (root.joinpath(*parts[:depth]) / "__init__.py" for depth in range(1, len(parts)))
    return [*(path for path in parents if path.is_file()), *own]


@cache  # the functions have most modules in common, and parsing them is most of the work
def _imports(source: bytes, package: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a module of this package imports when it runs."""
    found: list[str] = []
    for node in _running(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            # A name may be a module of the package or something in it; _files tells.
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk everything except the bodies of `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and _is_for_type_checkers(node.test):
            yield from (part for branch in node.orelse for part in (branch, *_running(branch)))
            continue
        yield node
        yield from _running(node)


def _is_for_type_checkers(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"
