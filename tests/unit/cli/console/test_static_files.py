"""The vendored files of htmx: unchanged, with their licence."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

import cutout.cli.console

STATIC = Path(str(cutout.cli.console.__file__)).parent / "static"
VENDORED = tomllib.loads((STATIC / "vendored.toml").read_text())


@pytest.mark.parametrize("name", VENDORED)
def test_a_file_is_that_of_the_npm_package(name: str) -> None:
    """As recorded from the package, whose integrity is that of the registry."""
    recorded = VENDORED[name]
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == recorded["sha256"]
    assert recorded["licence"] == "0BSD"
    assert recorded["integrity"].startswith("sha512-")


def test_every_third_party_script_is_recorded() -> None:
    """The others are ours."""
    assert {one.name for one in STATIC.glob("*.js")} - {"console.js", "review.js"} == set(VENDORED)


def test_nothing_is_loaded_from_other_servers() -> None:
    """And no page has an inline script or style."""
    for template in (STATIC.parent / "templates").glob("*.html"):
        text = template.read_text()
        assert "//" not in text.replace("s3://", ""), template.name
        assert "<style" not in text
        assert "style=" not in text
        assert "<script>" not in text
