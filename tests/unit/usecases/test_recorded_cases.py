"""Each step of the core with rows of every kind, as it was last agreed on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import recorded_queries
from tests.support.recorded_cases import CASES, Cases

ALL = CASES | recorded_queries.CASES
RECORDED = Path(__file__).with_name("recorded_cases")


@pytest.mark.parametrize(("name", "cases"), ALL.items(), ids=ALL)
def test_each_case_ends_as_it_was_agreed_on(name: str, cases: Cases) -> None:
    """To agree on a change: look at it, then SNAPSHOT=write python -m pytest this file."""
    file = RECORDED / f"{name}.txt"
    now = list(cases.told())
    if os.environ.get("SNAPSHOT") == "write":
        file.write_text("\n".join(now) + "\n", encoding="utf-8")
    assert now == file.read_text(encoding="utf-8").splitlines()
