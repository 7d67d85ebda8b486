"""Folders for the files of one piece of work.

A folder goes when its work ends. But a worker that is ended in the middle of it, for want of time
or memory, leaves its folder behind, and Lambda starts the next one on the same disk, of 512 MB: a
few large photos left there would fail every photo that comes after them.

Source: "Failures during the invoke phase", AWS Lambda Developer Guide: the reset clears no /tmp.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "cutout-"


def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that says whose it is."""
    return tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")


def clear_left_behind(place: Path | None = None) -> None:
    """Remove what processes left that are no more; for a process that has begun nothing yet.

    Args:
        place: where the folders are; the system's own place by default.
    """
    for left in (place or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*-*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _is_somebody_elses(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _is_somebody_elses(process_id: int) -> bool:
    """A process of that number is at work, and is not this one, whose number was used before."""
    try:
        os.kill(process_id, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return process_id != os.getpid()
