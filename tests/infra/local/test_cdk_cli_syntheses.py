"""Which syntheses can be used again, and which are kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.local.cdk_cli import (
    fingerprint,
    is_synthesized,
    mark_synthesized,
    synthesized_folder,
)
from infra.local.place import place_in


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("functions/submit/handler.py", True),
        ("functions/sweep/new.py", True),
        ("infra/app.py", True),
        ("infra/cdk.json", True),
        ("requirements/runtime.txt", True),
        ("functions/cutout/cli/entry.py", False),
        ("infra/local/start.py", False),
        ("infra/cdk/node_modules/x/y.json", False),
        ("README.md", False),
    ],
)
def test_fingerprint_of_a_synthesis_changes_with_the_files_that_it_reads(
    checkout: Path, name: str, *, matters: bool
) -> None:
    """Other files do not change it."""
    before = fingerprint(checkout, {})
    path = checkout / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("changed")
    assert (fingerprint(checkout, {}) != before) == matters


def test_fingerprint_of_a_synthesis_changes_with_its_settings(checkout: Path) -> None:
    """Their order does not matter."""
    one = fingerprint(checkout, {"a": "1", "b": "2"})
    assert fingerprint(checkout, {"b": "2", "a": "1"}) == one
    assert fingerprint(checkout, {"a": "1", "b": "3"}) != one


def test_fingerprint_of_a_synthesis_ignores_the_times_of_files(checkout: Path) -> None:
    """The content counts."""
    before = fingerprint(checkout, {})
    os.utime(checkout / "infra/app.py", (1, 1))
    assert fingerprint(checkout, {}) == before


def test_last_few_syntheses_are_kept(checkout: Path) -> None:
    """The last used ones; an interrupted one does not count as complete."""
    place = place_in(checkout)
    for age, name in enumerate(("newest", "new", "old", "oldest")):
        folder = synthesized_folder(place, name)
        folder.mkdir(parents=True)
        (folder / ".complete").touch()
        os.utime(folder / ".complete", ns=(0, 10**9 * (10 - age)))
    broken = synthesized_folder(place, "broken")
    broken.mkdir()

    mark_synthesized(synthesized_folder(place, "old"))

    left = sorted(path.name for path in (place.cache / "synth").iterdir())
    assert left == ["broken", "new", "newest", "old"]
    assert is_synthesized(synthesized_folder(place, "old"))
    assert not is_synthesized(broken)
