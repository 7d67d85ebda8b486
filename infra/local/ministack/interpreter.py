"""The interpreter that the functions run with: Python and its standard library, nothing else.

On AWS a function has its asset and the runtime. Run by the project's own interpreter it could
import whatever the project has installed, and a package missing from its asset would show only
on AWS.
"""

from __future__ import annotations

import sys
import venv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def bare_interpreter(folder: Path) -> Path:
    """Return an interpreter of this Python's version without any package, made if need be."""
    home = folder / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    interpreter = home / "bin" / "python"
    if not interpreter.exists():
        venv.create(home, with_pip=False, symlinks=True, clear=True)
    return interpreter
