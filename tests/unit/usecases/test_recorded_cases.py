"""Each step of the core with jobs of every kind, compared with the recorded outcome."""

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
def test_each_case_has_its_recorded_outcome(name: str, cases: Cases) -> None:
    """After checking a change, record it: SNAPSHOT=write python -m pytest this file."""
    file = RECORDED / f"{name}.txt"
    now = list(cases.told())
    if os.environ.get("SNAPSHOT") == "write":
        file.write_text("\n".join(now) + "\n", encoding="utf-8")
    assert now == file.read_text(encoding="utf-8").splitlines()
