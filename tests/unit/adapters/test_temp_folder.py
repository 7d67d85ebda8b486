"""The disk of a function outlives its workers: what one of them left must not fail the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cutout.adapters import temp_folder

NOBODY = 4_194_305
"""One more than the greatest process id that Linux gives."""


def test_a_folder_says_whose_it_is_and_goes_when_its_work_ends() -> None:
    """By the number of the process."""
    with temp_folder.folder() as folder:
        assert Path(folder).name.startswith(f"cutout-{os.getpid()}-")
        (Path(folder) / "photo").write_bytes(b"x")
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        (f"cutout-{NOBODY}-a1b2", False),
        ("cutout-99999999999999999999-a1b2", False),
        # A process that starts has begun nothing: its number was another's before.
        ("cutout-{own}-a1b2", False),
        ("cutout-{parent}-a1b2", True),
        ("cutout-1-a1b2", True),
        ("cutout-a1b2", True),
        ("cutout-config-1", True),
        (f"another-{NOBODY}-a1b2", True),
    ],
)
def test_what_an_ended_worker_left_is_cleared_by_the_next(
    name: str,
    stays: bool,  # noqa: FBT001 - a column of the table
    tmp_path: Path,
) -> None:
    """And nothing of who is at work, or of others."""
    left = tmp_path / name.format(own=os.getpid(), parent=os.getppid())
    left.mkdir()
    (left / "photo").write_bytes(b"x" * 1000)
    temp_folder.clear_left_behind(tmp_path)
    assert left.exists() is stays


def test_what_is_no_folder_does_not_keep_a_worker_from_starting(tmp_path: Path) -> None:
    """Whatever has such a name."""
    file = tmp_path / f"cutout-{NOBODY}-a1b2"
    file.write_bytes(b"x")
    temp_folder.clear_left_behind(tmp_path)
    assert file.exists()
