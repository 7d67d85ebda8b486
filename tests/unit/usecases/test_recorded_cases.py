"""Each step of the core with rows of every kind, as it was last agreed on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.recorded import (
    operator_cases,
    submit_cases,
    task_cases,
    upload_cases,
    write_cases,
)
from tests.support.recorded.cases import Cases

ALL = (
    task_cases.CASES
    | submit_cases.CASES
    | write_cases.CASES
    | upload_cases.CASES
    | operator_cases.CASES
)
RECORDED = Path(__file__).with_name("recorded_cases")


@pytest.mark.parametrize(("name", "cases"), ALL.items(), ids=ALL)
def test_each_case_ends_as_it_was_agreed_on(name: str, cases: Cases) -> None:
    """To agree on a change: look at it, then SNAPSHOT=write python -m pytest this file."""
    file = RECORDED / f"{name}.txt"
    now = list(cases.told())
    if os.environ.get("SNAPSHOT") == "write":
        file.write_text("\n".join(now) + "\n", encoding="utf-8")
    assert now == file.read_text(encoding="utf-8").splitlines()
