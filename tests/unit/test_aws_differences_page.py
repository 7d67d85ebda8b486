"""The document about AWS: the tests that it names for each difference exist."""

from __future__ import annotations

import re

import click
import pytest

from cutout.cli.entry import cutout as cli
from tests.contract.differences import DIFFERENCES
from tests.support.pages import ROOT, section

PAGE = "infra/README.md"
_DIFFERENCES = section(PAGE, "What AWS does that the emulator does not")
_CHECKLIST = section(PAGE, "The first deployment to a real account")
ROWS = [line for line in _DIFFERENCES.splitlines() if line.startswith("| ")][1:]


def _tests() -> set[str]:
    sources = (ROOT / "tests").rglob("test_*.py")
    return {
        name
        for file in sources
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }


TESTS = _tests()


@pytest.mark.parametrize("row", ROWS, ids=[row[2:50] for row in ROWS])
def test_each_difference_has_a_source_and_a_test_or_a_checklist_entry(row: str) -> None:
    """AWS's own page, and tests that exist; or the checklist, where only AWS can show it."""
    _aws, _emulator, source, care = row.strip("| ").split(" | ")
    named = re.findall(r"`(test_\w+)`", care)
    assert "](https://docs.aws.amazon.com/" in source
    assert set(named) <= TESTS
    assert named or "checklist" in care


def test_each_difference_of_an_emulator_is_in_the_document() -> None:
    """By the test that fails on the emulator."""
    shown = {pattern.split()[0] for found in DIFFERENCES.values() for pattern in found}
    assert shown
    assert shown <= {name for row in ROWS for name in re.findall(r"`(test_\w+)`", row)}


def test_checklist_names_existing_commands() -> None:
    """Each command of the page is one of the command line's."""
    named = set(re.findall(r"`cutout ([a-z]+)", _CHECKLIST))
    assert named
    assert named <= set(cli.list_commands(click.Context(cli)))
