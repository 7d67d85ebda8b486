"""The cache of synthesized stacks, each in a folder named after what it depends on."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.place import Place
from infra.version import FOR_PEOPLE, digest_of, sources

_INPUTS = (
    "functions/**/*.py",
    "infra/**/*.py",
    "infra/**/*.json",
    "requirements/*.txt",
)
# What only commands use: a change of it needs no new synthesis.
_NO_INPUTS = (*FOR_PEOPLE, "infra/local", "infra/cdk/node_modules")
_KEPT = 3
_COMPLETE = ".complete"


def fingerprint(source: Path, settings: Mapping[str, str]) -> str:
    """Return a digest of the sources, locks, settings and this Python's version."""
    also = json.dumps([sorted(settings.items()), sys.version])
    return digest_of(sources(source, _INPUTS, skipped=_NO_INPUTS), also=also)[:16]


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
