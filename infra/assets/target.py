"""Where assets run: on Lambda, or on this machine's local cloud."""

import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from typing import Final, Self

LAMBDA_PYTHON: Final = "3.13"
_LAMBDA_PLATFORM: Final = "aarch64-manylinux_2_28"  # Amazon Linux 2023 has glibc 2.34


@dataclass(frozen=True, kw_only=True)
class Target:
    """A platform to install for, and the interpreter that compiles for it, if there is one."""

    name: str
    install_options: tuple[str, ...]
    fingerprint: str
    """Tells two platforms apart whose packages may differ."""
    compiler: str | None
    """A Python of the same minor version: bytecode of any other would be ignored at run time."""

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
        return cls(
            name="aws",
            install_options=(
                "--python-platform",
                _LAMBDA_PLATFORM,
                "--python-version",
                LAMBDA_PYTHON,
            ),
            fingerprint=f"cpython-{LAMBDA_PYTHON}-{_LAMBDA_PLATFORM}",
            compiler=_find_python(LAMBDA_PYTHON),
        )


def uv_command() -> list[str]:
    """Return the command that runs uv, which is installed with the project."""
    return [sys.executable, "-m", "uv"]


def _find_python(version: str) -> str | None:
    found = subprocess.run(  # noqa: S603 # our own command, no input in it
        [*uv_command(), "python", "find", "--no-python-downloads", "--no-project", version],
        capture_output=True,
        text=True,
        check=False,
    )
    path = found.stdout.strip()
    return path if found.returncode == 0 and shutil.which(path) else None
