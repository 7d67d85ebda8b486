"""Temporary folders for the files of one message.

A folder is removed when its message is done. A worker that is killed, by its time-out or for lack
of memory, leaves its folder behind, and Lambda restarts on the same disk of 512 MB: a few large
photos left there would make all later photos fail.

Source: "Failures during the invoke phase", AWS Lambda Developer Guide: the reset clears no /tmp.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "cutout-"


def folder() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder whose name contains this process's id."""
    return tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")


def clear_left_behind(place: Path | None = None) -> None:
    """Remove the folders of processes that no longer run. Call it before this process uses any."""
    for left in (place or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*-*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _is_of_another_process(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _is_of_another_process(process_id: int) -> bool:
    """Whether another process with this id runs. This process may have got the id of an old one."""
    try:
        os.kill(process_id, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return process_id != os.getpid()
