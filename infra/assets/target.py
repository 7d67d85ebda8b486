"""Where assets run: on Lambda, or on this machine's local cloud."""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

LAMBDA_PYTHON: Final = "3.13"
_LAMBDA_PLATFORM: Final = "aarch64-manylinux_2_28"  # Amazon Linux 2023 has glibc 2.34
_INSTALLED_BY_TOOLS: Final = (".pyenv/versions", ".local/share/uv/python")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A platform to install for, and the interpreter that compiles for it, if there is one."""

    name: str
    install_options: tuple[str, ...]
    fingerprint: str
    """Tells two platforms apart whose packages may differ."""
    compiler: str | None
    """A Python of the same minor version: bytecode of any other would be ignored at run time."""

    @property
    def bytecode(self) -> str:
        """Say which bytecode the assets carry; assets with and without it are not the same."""
        return self.fingerprint if self.compiler else "none"

    @classmethod
    def of(cls, name: str) -> Self:
        """Describe the platform that the setting `asset_platform` names."""
        return cls._here() if name == "local" else cls._lambda()

    @classmethod
    def _here(cls) -> Self:
        version = ".".join(map(str, sys.version_info[:3]))
        return cls(
            name="local",
            install_options=("--python", sys.executable),
            fingerprint=f"{sys.implementation.name}-{version}-{sysconfig.get_platform()}",
            compiler=sys.executable,
        )

    @classmethod
    def _lambda(cls) -> Self:
        options = ("--python-platform", _LAMBDA_PLATFORM, "--python-version", LAMBDA_PYTHON)
        return cls(
            name="aws",
            install_options=options,
            fingerprint=f"cpython-{LAMBDA_PYTHON}-{_LAMBDA_PLATFORM}",
            compiler=next((one for one in _candidates() if _is_lambdas(one)), None),
        )


def _candidates() -> Iterator[str]:
    yield sys.executable
    on_path = shutil.which(f"python{LAMBDA_PYTHON}")
    if on_path:
        yield on_path
    for place in _INSTALLED_BY_TOOLS:
        for version in (f"{LAMBDA_PYTHON}.*", f"cpython-{LAMBDA_PYTHON}.*"):
            found = (Path.home() / place).glob(f"{version}/bin/python{LAMBDA_PYTHON}")
            yield from sorted(str(one) for one in found)


def _is_lambdas(python: str) -> bool:
    asked = subprocess.run(  # noqa: S603 # a Python found on this machine
        [python, "-I", "-c", "import sys; print(sys.implementation.cache_tag)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() == f"cpython-{LAMBDA_PYTHON.replace('.', '')}"
