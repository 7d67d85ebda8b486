"""The version of Cutout: its number, and a digest of the sources of a deployment.

It imports the standard library only: `cutout doctor` runs this file without the packages.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_MADE_FROM: Final = (
    "functions/**/*.py",
    "infra/*.py",
    "infra/*/*.py",
    "infra/cdk.json",
    "requirements/runtime.txt",
    "requirements/store.txt",
    "requirements/prepare.txt",
)
NEVER_SHIPPED: Final = ("cutout/cli", "cutout/operator")
"""Folders of `functions` that are for people: no function's asset contains them."""
FOR_PEOPLE: Final = tuple(f"functions/{folder}" for folder in NEVER_SHIPPED)
"""The same, relative to the project."""
_NO_PART_OF_A_STACK: Final = (*FOR_PEOPLE, "infra/deploy", "infra/local")
_DIGITS: Final = 8


def version_of(root: Path) -> str:
    """Return the version of the sources in a folder, such as `0.1.0+1a2b3c4d`."""
    made_from = sources(root, _MADE_FROM, skipped=_NO_PART_OF_A_STACK)
    return f"{_number(root)}+{digest_of(made_from)[:_DIGITS]}"


def sources(root: Path, patterns: Iterable[str], *, skipped: Iterable[str]) -> dict[str, bytes]:
    """Return files by path. Paths, glob patterns and skipped folders are relative to the root."""
    folders = [root / folder for folder in skipped]
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for pattern in patterns
        for path in root.glob(pattern)
        if not any(path.is_relative_to(folder) for folder in folders)
    }


def digest_of(files: Mapping[str, bytes], *, also: str = "") -> str:
    """Return a digest of the names and contents of files, and of the text `also`."""
    digest = hashlib.sha256(also.encode())
    for name in sorted(files):
        # Bytecode depends on the sources only, but is not the same on all machines.
        if not name.endswith(".pyc"):
            # The name counts as well: a file that moves is another version.
            digest.update(f"\0{name}\0{hashlib.sha256(files[name]).hexdigest()}".encode())
    return digest.hexdigest()


def _number(root: Path) -> str:
    """Return the project's number; 0 without a project file that has one, as in a wheel."""
    try:
        return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])
    except (FileNotFoundError, tomllib.TOMLDecodeError, KeyError):
        return "0"
