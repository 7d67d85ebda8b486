from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fake world in its own folder, with a terminal wide enough for any table."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return World(folder=tmp_path)
