"""One name for one idea: of classes in the core, and of modules in all of the sources."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
CUTOUT = ROOT / "functions/cutout"
CORE = ("domain", "ports", "usecases", "adapters", "wiring")
ONE_IDEA = {
    "__init__",
    "__main__",
    "app",
    "dashboard",
    "handler",
    "render",
    *(path.stem for path in (CUTOUT / "operator").glob("*.py")),
}
"""What Python and the CDK name, a handler in each function, and commands with their use case."""


def _repeated(names: list[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def test_no_two_types_of_the_core_have_one_name() -> None:
    """A reader of two layers meets both. Aliases in two modules may be one idea, as `Size` is."""
    files = [*chain.from_iterable((CUTOUT / layer).rglob("*.py") for layer in CORE)]
    found = [*chain.from_iterable(ast.parse(file.read_text()).body for file in files)]
    classes = [node.name for node in found if isinstance(node, ast.ClassDef)]
    public = [name for name in classes if not name.startswith("_")]
    targets = chain.from_iterable(node.targets for node in found if isinstance(node, ast.Assign))
    aliases = {target.id for target in targets if isinstance(target, ast.Name)}
    assert (_repeated(public), aliases & {*public}) == (set(), set())
    assert {"PhotoAccess", "Uploaded"} <= {*public}


def test_no_two_modules_for_two_ideas_have_one_name() -> None:
    """An editor's tab shows the name of the file alone."""
    files = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "infra").rglob("*.py")]
    assert _repeated([file.stem for file in files if "node_modules" not in file.parts]) <= ONE_IDEA
    assert {"app", "dashboard", "handler", "render"} <= _repeated([file.stem for file in files])
