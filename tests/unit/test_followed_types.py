"""mypy reads every module of the construct library that we import."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = "aws_cdk"


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module == LIBRARY:
            yield from (f"{LIBRARY}.{one.name}" for one in node.names if one.name.islower())
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(f"{LIBRARY}."):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.startswith(f"{LIBRARY}."))


def test_mypy_reads_what_we_import_of_the_construct_library() -> None:
    """Calls of a module that it does not read are not checked."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {
        name for one in overrides if one.get("follow_imports") == "normal" for name in one["module"]
    }
    ours = [
        path
        for folder in ("functions", "infra", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if "node_modules" not in path.parts
    ]
    imported = {name for path in ours for name in _imported(path)}
    assert imported
    assert imported - read == set()
