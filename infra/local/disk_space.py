"""Checking that the local cloud's disk is not full."""

import shutil
from collections.abc import Callable
from pathlib import Path

from infra.local.local_cloud_error import LocalCloudError

_MIN_FREE_BYTES = 1_000_000  # with less, log lines may still fit, but no photo, template or bundle


def free_bytes(folder: Path) -> int:
    """Return how many bytes this user may still write to the disk of a folder."""
    return shutil.disk_usage(folder).free


def check_disk_space(folder: Path, free: Callable[[Path], int] = free_bytes) -> None:
    """Check that the disk of a folder is not full.

    Raises:
        LocalCloudError: The disk is full.
    """
    # MiniStack, Node.js and the functions are other processes. They report a full disk in many
    # ways, or not at all if they cannot write their logs either.
    left = free(folder)
    if left < _MIN_FREE_BYTES:
        raise LocalCloudError(
            f"The disk of {folder} is full ({left:,} bytes are free).",
            advice=f"Free some space; `df -h {folder}` shows the disk.",
        )
