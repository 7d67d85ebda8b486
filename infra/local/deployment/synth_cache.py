"""What a synthesis and a deployment leave behind, so that nothing is done twice."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.local.place import Place

_KEPT = 3
_COMPLETE = ".complete"


def synthesized_folder(place: Place, fingerprint: str) -> Path:
    """Return the folder that a stack with this fingerprint is synthesized to."""
    return place.cache / "synth" / fingerprint


def is_synthesized(folder: Path) -> bool:
    """Say whether the folder holds a whole synthesis."""
    return (folder / _COMPLETE).is_file()


def mark_synthesized(folder: Path) -> None:
    """Take note that the synthesis is whole and in use; forget all but the last few of them."""
    (folder / _COMPLETE).touch()
    whole = list(folder.parent.glob(f"*/{_COMPLETE}"))
    whole.sort(key=lambda marker: marker.stat().st_mtime_ns, reverse=True)
    for marker in whole[_KEPT:]:
        shutil.rmtree(marker.parent, ignore_errors=True)


def read_outputs(path: Path, stack: str) -> Mapping[str, str]:
    """Return the stack's outputs as the CDK wrote them to a file."""
    outputs: dict[str, str] = json.loads(path.read_text())[stack]
    return outputs
