"""Pictures are opened with named formats only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("functions", "infra")
DECODERS = {"imread", "imdecode"}
"""OpenCV's own, which choose the format by the bytes."""


def _calls_without_formats(source: str) -> Iterator[int]:
    """The lines on which a picture is opened in whatever format its bytes claim."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in DECODERS:
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("PIL.Image"):
            yield node.lineno  # `open` by another name would not be found below
        if isinstance(node, ast.Call) and _opens_a_picture(node) and not _names_formats(node):
            yield node.lineno


def _opens_a_picture(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func) in {
        "Image.open",
        "PIL.Image.open",
    }


def _names_formats(call: ast.Call) -> bool:
    given = [one.value for one in call.keywords if one.arg == "formats"]
    return bool(given) and ast.unparse(given[0]) != "None"


def test_every_picture_is_opened_with_named_formats() -> None:
    """Pillow would start Ghostscript for PostScript, whatever the file is called."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if "node_modules" not in path.parts
        for line in _calls_without_formats(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "Image.open(path)",
        "Image.open(path, formats=None)",
        "PIL.Image.open(path, 'r')",
        "from PIL.Image import open as opened",
        "cv2.imread(path)",
        "cv2.imdecode(content, 1)",
    ],
)
def test_a_call_without_named_formats_is_found(source: str) -> None:
    """Otherwise the test above would always pass."""
    assert list(_calls_without_formats(source)) == [1]
