"""Imports packages with all their modules, and prints which variables these read meanwhile.

    python -m tests.support.environment_reads PACKAGE...

What libraries read at their own import does not count. Each line is a file and a variable.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from pathlib import Path

from infra.node import use_own_node

ROOT = Path(__file__).parents[2]
OURS = (str(ROOT / "functions"), str(ROOT / "infra"))


class RecordedEnvironment(MutableMapping[str, str]):
    """The environment, which remembers who reads it."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._environment = environment
        self.reads: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self._record(name)
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        self._record("all")
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)

    def __setitem__(self, name: str, value: str) -> None:
        self._environment[name] = value

    def __delitem__(self, name: str) -> None:
        del self._environment[name]

    def copy(self) -> dict[str, str]:
        """Return all of it."""
        self._record("all")
        return dict(self._environment)

    def _record(self, name: str) -> None:
        # The standard library reads for others, as `os.getenv` and `Path.home` do.
        frame = sys._getframe(2)  # noqa: SLF001 - who reads is what is asked
        while (module := _module(frame.f_globals)) in sys.stdlib_module_names:
            if module == "importlib" or frame.f_back is None:
                return
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(OURS):
            self.reads.add(f"{Path(frame.f_code.co_filename).relative_to(ROOT)} {name}")


def _module(variables: dict[str, object]) -> str:
    return str(variables["__name__"]).partition(".")[0]


def main(packages: list[str]) -> None:
    """Import the packages and print the reads."""
    use_own_node()  # which aws_cdk starts
    recorded = RecordedEnvironment(os.environ)
    os.environ = recorded  # type: ignore[assignment] # noqa: B003 - calls reach this one
    for package in packages:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    sys.stdout.write("".join(f"{read}\n" for read in sorted(recorded.reads)))


if __name__ == "__main__":
    main(sys.argv[1:])
