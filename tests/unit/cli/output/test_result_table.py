"""The table of results."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutout.cli.output.result_table import ResultRow, print_results
from tests.support.cli.consoles import console_of, shown_on

PATH = "out/catalog/odd names/a photo with a long name.png"


def _lines(*rows: ResultRow, width: int, totals: tuple[str, ...] = ()) -> list[str]:
    console = console_of(is_terminal=True, width=width)
    print_results(console, rows, figures=("seconds",), totals=totals)
    return [line.rstrip() for line in shown_on(console).splitlines()]


def _row(key: str, file: str | None = None, why: str = "") -> ResultRow:
    return ResultRow(
        key=key,
        state="completed" if file else "rejected",
        figures=("7.5",),
        file=Path(file) if file else None,
        why=why,
    )


def test_the_last_row_has_the_totals() -> None:
    """Under the columns of the figures."""
    rows = _row("a.jpg", "out/a.png"), _row("b.jpg", why="not-a-photo")
    assert _lines(*rows, width=80, totals=("2 photos", "1 completed", "7.5")) == [
        "photo     state        seconds  result",
        "a.jpg     completed        7.5  out/a.png",
        "b.jpg     rejected         7.5  not-a-photo",
        "2 photos  1 completed      7.5",
    ]


def test_a_long_key_is_shortened_before_a_path_is_wrapped() -> None:
    """The path has all folders of the key."""
    (_, row) = _lines(_row("catalog/odd names/a photo with a long name.jpg", PATH), width=100)
    assert row == f"…hoto with a long name.jpg  completed      7.5  {PATH}"


@pytest.mark.parametrize("width", [20, 40, 72])
def test_a_path_is_never_wrapped(width: int) -> None:
    """The terminal wraps a row that is too long, so the path can still be copied."""
    (_, row) = _lines(_row("catalog/odd names/a photo with a long name.jpg", PATH), width=width)
    assert row == f"…ith a long name.jpg  completed      7.5  {PATH}"


def test_a_reason_is_wrapped_in_its_column() -> None:
    """It is a sentence, not a path."""
    _, *lines = _lines(_row("a.jpg", why="it is a text, which says so at length"), width=50)
    assert lines == [
        "a.jpg  rejected      7.5  it is a text, which",
        "                          says so at length",
    ]
