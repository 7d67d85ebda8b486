"""The cache of synthesized stacks."""

import shutil
from pathlib import Path

from infra.local.place import Place

_KEPT = 3
_COMPLETE = ".complete"


def synthesized_folder(place: Place, fingerprint: str) -> Path:
    """Return the folder for the stack with this fingerprint."""
    return place.cache / "synth" / fingerprint


def is_synthesized(folder: Path) -> bool:
    """Return True if the folder contains a complete synthesis."""
    return (folder / _COMPLETE).is_file()


def mark_synthesized(folder: Path) -> None:
    """Mark the synthesis as complete and just used; delete all but the last few."""
    (folder / _COMPLETE).touch()
    complete = list(folder.parent.glob(f"*/{_COMPLETE}"))
    complete.sort(key=lambda marker: marker.stat().st_mtime_ns, reverse=True)
    for marker in complete[_KEPT:]:
        shutil.rmtree(marker.parent, ignore_errors=True)
