"""The cold starts: the page's table, and what counts as worse."""

from __future__ import annotations

import pytest

from tests.benchmarks.startup.__main__ import recorded, regressions, table
from tests.support.pages import PAGES


def ratios(straightforward: float = 6.0, **submit: float) -> dict[str, dict[str, float]]:
    """Figures of a run."""
    known = {"ready CPU": 3.0, "ready wall": 3.0, "peak memory": 2.0, "zip": 0.2}
    figures = {name.replace("_", " "): figure for name, figure in submit.items()}
    return {
        "floor": dict.fromkeys(known, 1.0),
        "straightforward": {**known, "ready CPU": straightforward},
        "Submit": {**known, **figures},
    }


def test_the_page_has_the_recorded_table() -> None:
    """`make bench` records and prints it."""
    page = PAGES["tests/README.md"].splitlines()
    assert [line for line in table(recorded()) if line not in page] == []


@pytest.mark.parametrize(
    ("measured", "worse"),
    [
        (ratios(ready_CPU=3.7), []),
        (ratios(ready_CPU=3.8), [("Submit", "ready CPU")]),
        (ratios(peak_memory=2.6), [("Submit", "peak memory")]),
        (ratios(zip=0.26), [("Submit", "zip")]),
        (ratios(ready_wall=9.0), []),
        (ratios(ready_CPU=4.4, straightforward=7.2), []),
        (ratios(ready_CPU=4.6, straightforward=7.2), [("Submit", "ready CPU")]),
        (ratios(ready_CPU=3.8, straightforward=5.0), [("Submit", "ready CPU")]),
    ],
    ids=[
        "within a quarter",
        "CPU time",
        "memory",
        "bytes",
        "wall time is not compared",
        "a busy machine, which the straightforward handler shows",
        "more than that",
        "a quieter machine allows no less",
    ],
)
def test_a_quarter_worse_than_recorded_is_a_regression(
    measured: dict[str, dict[str, float]], worse: list[tuple[str, str]]
) -> None:
    """After what the machine's load explains."""
    assert regressions(ratios(), measured) == worse
