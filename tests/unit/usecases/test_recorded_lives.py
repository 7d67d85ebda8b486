"""Whole lives of photos, compared with the recorded ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fakes.world import World
from tests.support.recorded.changes import told
from tests.support.recorded.lives import LIVES

RECORDED = Path(__file__).with_name("recorded_lives")


@pytest.mark.parametrize(("name", "life"), LIVES.items(), ids=LIVES)
def test_a_life_is_the_recorded_one(name: str, life: Callable[[], World]) -> None:
    """Every write of every job. To record a change: SNAPSHOT=write python -m pytest this file."""
    file = RECORDED / f"{name}.txt"
    now = told(life())
    if os.environ.get("SNAPSHOT") == "write":
        file.write_text("\n".join(now) + "\n", encoding="utf-8")
    assert now == file.read_text(encoding="utf-8").splitlines()
