"""The version of Cutout: its number, and a digest of the sources of a deployment.

It imports the standard library only: `cutout doctor` runs this file without the packages.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MADE_FROM: Final = (
    "functions/**/*.py",
    "infra/*.py",
    "infra/access/*.py",
    "infra/assets/*.py",
    "infra/constructs/*.py",
    "infra/monitoring/*.py",
    "infra/settings/*.py",
    "infra/cdk.json",
    "requirements/runtime.txt",
    "requirements/store.txt",
    "requirements/prepare.txt",
)
NEVER_SHIPPED: Final = ("cutout/cli", "cutout/operator")
"""Folders of `functions` that are for people: no function's asset contains them."""
_DIGITS: Final = 8


def version_of(root: Path) -> str:
    """Return the version of the sources in a folder, such as `0.1.0+1a2b3c4d`."""
    digest = hashlib.sha256()
    for path in _sources(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        # The name counts as well: a file that moves is another version.
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return f"{_number(root)}+{digest.hexdigest()[:_DIGITS]}"


def _sources(root: Path) -> Iterator[Path]:
    skipped = [root / "functions" / folder for folder in NEVER_SHIPPED]
    found = {path for pattern in _MADE_FROM for path in root.glob(pattern)}
    for path in sorted(found):
        if not any(path.is_relative_to(folder) for folder in skipped):
            yield path


def _number(root: Path) -> str:
    """Return the project's number; 0 without a project file, as in a wheel."""
    try:
        project = (root / "pyproject.toml").read_text()
    except FileNotFoundError:
        return "0"
    found = re.search(r'^version = "([^"]+)"', project, re.MULTILINE)
    return found[1] if found else "0"
