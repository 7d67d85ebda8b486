"""A fingerprint of everything that the synthesized stack depends on."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.version import NEVER_SHIPPED

_INPUTS = (
    "functions/**/*.py",
    "infra/**/*.py",
    "infra/**/*.json",
    "requirements/*.txt",
)
_NO_INPUTS = (
    *(f"functions/{folder}" for folder in NEVER_SHIPPED),
    "infra/local",
    "infra/cdk/node_modules",
)


def fingerprint(source: Path, settings: Mapping[str, str]) -> str:
    """Return a hash of the sources, locks, settings and this Python's version."""
    digest = hashlib.sha256(json.dumps([sorted(settings.items()), sys.version]).encode())
    for path in sorted(_inputs(source)):
        name = path.relative_to(source).as_posix()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()[:16]


def _inputs(source: Path) -> Iterator[Path]:
    skipped = [source / folder for folder in _NO_INPUTS]
    for pattern in _INPUTS:
        for path in source.glob(pattern):
            if not any(path.is_relative_to(folder) for folder in skipped):
                yield path
