"""Bytecode that Lambda can use as it is: without it every cold start compiles everything anew.

Unchecked hash files: no source is looked at, and no modification time, which a reproducible zip
does not keep. https://docs.python.org/3/library/py_compile.html#py_compile.PycInvalidationMode
"""

import os
import subprocess
from pathlib import Path, PurePosixPath

from .errors import AssetError


def compile_tree(python: str, folder: Path) -> None:
    """Compile every module under a folder; the same sources give the same bytes.

    Raises:
        AssetError: the interpreter cannot be run.
    """
    done = subprocess.run(  # noqa: S603 # an interpreter that we found ourselves
        [
            *(python, "-I", "-m", "compileall", "-q", "-j", "1"),
            *("--invalidation-mode", "unchecked-hash", "-s", str(folder), str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    if done.returncode:
        raise AssetError(f"bytecode cannot be compiled: {done.stderr.strip() or done.stdout}")


def compiled(source: Path) -> Path | None:
    """Return the bytecode that lies beside a module, whichever version made it."""
    found = sorted((source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc"))
    return found[0] if found else None


def place_of(arcname: str, bytecode: Path) -> str:
    """Say where in an asset a module's bytecode goes."""
    return (PurePosixPath(arcname).parent / "__pycache__" / bytecode.name).as_posix()
