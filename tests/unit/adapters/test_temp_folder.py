"""The disk of a function outlives its workers: files of a crashed one must not fail the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cutout.adapters import temp_folder

NOBODY = 4_194_305
"""One more than the greatest process id that Linux gives."""


def test_a_folder_is_named_after_its_process_and_removed_after_use() -> None:
    """By the process id."""
    with temp_folder.folder() as folder:
        assert Path(folder).name.startswith(f"cutout-{os.getpid()}-")
        (Path(folder) / "photo").write_bytes(b"x")
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        (f"cutout-{NOBODY}-a1b2", False),
        ("cutout-99999999999999999999-a1b2", False),
        # A process that has just started owns no folder: an earlier process had its id.
        ("cutout-{own}-a1b2", False),
        ("cutout-{parent}-a1b2", True),
        ("cutout-1-a1b2", True),
        ("cutout-a1b2", True),
        ("cutout-config-1", True),
        (f"another-{NOBODY}-a1b2", True),
    ],
)
def test_folders_of_ended_workers_are_removed_by_the_next(
    name: str,
    stays: bool,  # noqa: FBT001 - a column of the table
    tmp_path: Path,
) -> None:
    """Folders of running processes and of other programs stay."""
    left = tmp_path / name.format(own=os.getpid(), parent=os.getppid())
    left.mkdir()
    (left / "photo").write_bytes(b"x" * 1000)
    temp_folder.clear_left_behind(tmp_path)
    assert left.exists() is stays


def test_a_file_with_such_a_name_does_not_stop_a_worker(tmp_path: Path) -> None:
    """It is left alone."""
    file = tmp_path / f"cutout-{NOBODY}-a1b2"
    file.write_bytes(b"x")
    temp_folder.clear_left_behind(tmp_path)
    assert file.exists()
