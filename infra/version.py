"""The version of Cutout: its number, and a digest of the sources of a deployment.

It imports the standard library only: `cutout doctor` runs this file without the packages.
"""

import hashlib
import re
from collections.abc import Iterable
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
    return f"{_number(root)}+{digest_of(root, _MADE_FROM, _NO_PART_OF_A_STACK)[:_DIGITS]}"


def digest_of(root: Path, patterns: Iterable[str], skipped: Iterable[str], also: str = "") -> str:
    """Return a digest of the names and contents of files, and of the text `also`.

    The glob patterns, and the folders whose files are skipped, are relative to the root.
    """
    digest = hashlib.sha256(also.encode())
    folders = [root / folder for folder in skipped]
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        if not any(path.is_relative_to(folder) for folder in folders):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            # The name counts as well: a file that moves is another version.
            digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _number(root: Path) -> str:
    """Return the project's number; 0 without a project file, as in a wheel."""
    try:
        project = (root / "pyproject.toml").read_text()
    except FileNotFoundError:
        return "0"
    found = re.search(r'^version = "([^"]+)"', project, re.MULTILINE)
    return found[1] if found else "0"
