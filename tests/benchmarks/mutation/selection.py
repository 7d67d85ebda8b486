"""Which tests run which line: measured once, and kept until a source or a test changes."""

from __future__ import annotations

import hashlib
import importlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import coverage
import pytest

from tests.benchmarks.mutation.mutants import Mutant

_AT_IMPORT = "import"
_COLLECTING = "collect"


def digest(root: Path, folders: Iterable[str]) -> str:
    """Changes with any Python file in these folders."""
    files = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    whole = hashlib.sha256()
    for path in files:
        whole.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]


class _Contexts:
    """Tells the measurement which test runs."""

    def __init__(self, switch: Callable[[str], object]) -> None:
        self._switch = switch

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Also what a fixture runs counts as the test's."""
        self._switch(nodeid)


def measure(data_file: Path, package: Path, modules: Iterable[str], options: list[str]) -> int:
    """Import the modules and run all tests, with coverage; pytest's exit status."""
    data_file.parent.mkdir(parents=True, exist_ok=True)
    measuring = data_file.with_suffix(".part")
    running = coverage.Coverage(
        data_file=str(measuring), source=[str(package)], config_file=False, messages=False
    )
    running.start()
    running.switch_context(_AT_IMPORT)
    for module in modules:
        importlib.import_module(module)
    running.switch_context(_COLLECTING)
    status = int(pytest.main(options, plugins=[_Contexts(running.switch_context)]))
    running.stop()
    running.save()
    if status == 0:
        measuring.rename(data_file)
    return status


class Selection:
    """The tests that may notice a change, by their node ids."""

    def __init__(self, data_file: Path, root: Path) -> None:
        data = coverage.CoverageData(str(data_file))
        data.read()
        self._tests = frozenset(data.measured_contexts()) - {_AT_IMPORT, _COLLECTING, ""}
        self._lines = {
            str(Path(file).relative_to(root)): data.contexts_by_lineno(file)
            for file in data.measured_files()
        }
        self._reach = Counter(
            test
            for lines in self._lines.values()
            for contexts in lines.values()
            for test in contexts
        )

    def is_at_import(self, mutant: Mutant) -> bool:
        """Whether a changed line runs when modules are loaded."""
        return _AT_IMPORT in self._contexts(mutant)

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Those that run the changed lines; of what runs at import alone, the module's or all.

        Those in the module's own test files come first, and of these, or of the rest, the
        narrowest: they are the likeliest to be about it.
        """
        own = f"/test_{Path(mutant.module).stem}"
        found = self._contexts(mutant) & self._tests
        if not found and self.is_at_import(mutant):
            lines = self._lines[mutant.module].values()
            found = {test for tests in lines for test in tests} & self._tests or set(self._tests)
        return sorted(found, key=lambda test: (own not in test, self._reach[test], test))

    def _contexts(self, mutant: Mutant) -> set[str]:
        lines = self._lines.get(mutant.module, {})
        return {test for number in mutant.lines for test in lines.get(number, [])}
