"""The interpreter for the functions: Python with its standard library and no packages."""

import sys
import venv
from pathlib import Path


def bare_interpreter(folder: Path) -> Path:
    """Return a package-free interpreter of this Python's version; create it if necessary."""
    home = folder / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    interpreter = home / "bin" / "python"
    # On AWS a function has only its asset and the runtime. With the project's own interpreter it
    # could import all of the project's packages, and what its asset lacks would only fail on AWS.
    if not interpreter.exists():
        venv.create(home, with_pip=False, symlinks=True, clear=True)
    return interpreter
