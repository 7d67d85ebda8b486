"""Whether the local cloud has room to write."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from infra.local.errors import LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LEAST_BYTES = 1_000_000
"""With less, a log line may still be written, but no photo, template or bundle."""


def free_bytes(folder: Path) -> int:
    """Return how many bytes this user may still write to the disk of a folder."""
    return shutil.disk_usage(folder).free


def refuse_full_disk(folder: Path, free: Callable[[Path], int] = free_bytes) -> None:
    """Refuse to go on where the disk of a folder is full.

    MiniStack, Node.js and the functions are processes of their own, which report a full disk in
    many ways, or not at all when they cannot write their logs either.

    Raises:
        LocalCloudError: It is.
    """
    left = free(folder)
    if left < _LEAST_BYTES:
        raise LocalCloudError(
            f"The disk of {folder} is full ({left:,} bytes are free).",
            advice=f"Make room; `df -h {folder}` shows the disk.",
        )
