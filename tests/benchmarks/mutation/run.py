"""Mutation testing: `make mutants` changes the core, and looks whether a unit test notices.

A change that no test notices is either a test that is missing, or changes nothing that anybody
could see: those are listed with their reason in `equivalent.toml`.

One pytest session loads all tests. Each mutant is tried in a fork of it, which replaces the code of
the changed function and runs the tests that reach the changed lines. What runs at import cannot be
changed in modules that are loaded: there, the fork drops them and starts pytest again.
"""

from __future__ import annotations

import argparse
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import tomllib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

from tests.benchmarks.mutation.mutants import Mutant, mutants_of
from tests.benchmarks.mutation.selection import Selection, digest, measure

ROOT = Path(__file__).parents[3]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
_PACKAGE = ROOT / "functions" / "cutout"
_CORE = ("domain", "usecases", "operator")
_TESTS = tuple(f"tests/unit/{layer}" for layer in _CORE)
_TESTED_WITH_FILES = "photo"
"""This folder reads files: it is tested with real ones, by the contract tests."""
_MEASURED = ROOT / ".cutout" / "mutants"
_CPU_SECONDS = 15
_SECONDS = 120
"""What one test may take with a mutant that never ends; without one, none takes two seconds."""
_MEMORY_BYTES = 3 * 1024**3
_NARROWEST = 15
"""So few tests notice most changes; to collect all others takes longer than to run these."""
_ENOUGH_PERCENT = 97
_BROKEN = 70
"""A child's exit status for a fault of this program: pytest reports what tests raise."""
_OPTIONS = [
    "-q", "-s", "-x", "--no-header", "--no-summary", "--tb=no", "--hypothesis-seed=0",
    "-p", "no:cacheprovider", "-o", "tmp_path_retention_policy=failed",
]  # fmt: skip


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = _dotted(mutant.module)

    def find_spec(
        self, fullname: str, _path: object, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        is_it = fullname == self._name
        return importlib.util.spec_from_loader(fullname, self) if is_it else None

    def exec_module(self, module: ModuleType) -> None:
        exec(_compiled(self._mutant), vars(module))  # noqa: S102 - our own, but for the change


class _Limits:
    """A test that never ends ends its process: the change is noticed."""

    def pytest_runtest_logstart(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS)
        signal.alarm(_SECONDS)


class Survivors:
    """A pytest plugin that tries mutants where pytest would run the tests."""

    def __init__(self, mutants: Iterable[Mutant], selection: Selection, at_once: int) -> None:
        self._mutants = iter(mutants)
        self._selection = selection
        self._at_once = at_once
        self._functions: dict[tuple[str, str], list[FunctionType]] = {}
        self.found: list[Mutant] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Each mutant in a process of its own."""
        session.config.pluginmanager.unregister(self)
        session.config.pluginmanager.register(_Limits())
        # The tests' conftest freezes what is loaded, which hides it from `get_objects`.
        gc.unfreeze()
        for one in gc.get_objects():
            if isinstance(one, FunctionType):
                key = (one.__code__.co_filename, one.__code__.co_qualname)
                self._functions.setdefault(key, []).append(one)
        gc.freeze()
        running: dict[int, Mutant] = {}
        while True:
            while len(running) < self._at_once and (mutant := next(self._mutants, None)):
                running[in_a_child(partial(self._noticed, mutant, session))] = mutant
            if not running:
                return True
            child, status = os.wait()
            tried = running.pop(child)
            assert os.waitstatus_to_exitcode(status) != _BROKEN, tried.name
            if status == 0:
                self.found.append(tried)
                sys.stdout.write(f"survives: {tried.name}\n")
                sys.stdout.flush()

    def _noticed(self, mutant: Mutant, session: pytest.Session) -> int:
        """0 if all tests pass."""
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        tests = self._selection.tests_for(mutant)
        changed = self._functions.get((str(ROOT / mutant.module), mutant.function), [])
        if self._selection.is_at_import(mutant) or len(changed) != 1:
            return _fails_afresh(mutant, tests)
        try:
            changed[0].__code__ = _code_of(mutant)
        except ValueError:  # it uses `super()`, or no longer
            return _fails_afresh(mutant, tests)
        items = {item.nodeid: item for item in session.items}
        session.items = [items[test] for test in tests]
        with suppress(session.Failed):
            session.config.hook.pytest_runtestloop(session=session)
        return session.testsfailed


def _dotted(module: str) -> str:
    return ".".join(Path(module).relative_to("functions").with_suffix("").parts)


def _compiled(mutant: Mutant) -> CodeType:
    return compile(mutant.source, str(ROOT / mutant.module), "exec")


def _code_of(mutant: Mutant) -> CodeType:
    """The changed function's."""
    inside = [_compiled(mutant)]
    while inside:
        code = inside.pop()
        if code.co_qualname == mutant.function:
            return code
        inside.extend(one for one in code.co_consts if isinstance(one, CodeType))
    raise LookupError(mutant.function)


def _fails_afresh(mutant: Mutant, tests: Sequence[str]) -> int:
    """Load everything of ours again, with the change."""
    for name in list(sys.modules):
        if name.partition(".")[0] in {"cutout", "tests"}:
            del sys.modules[name]
    sys.meta_path.insert(0, _Changed(mutant))
    files = dict.fromkeys(test.partition("::")[0] for test in tests[_NARROWEST:])
    for part in (tests[:_NARROWEST], files):
        if part and (code := pytest.main([*_OPTIONS, *part], plugins=[_Limits()])):
            return int(code)
    return 0


def in_a_child(work: Callable[[], int]) -> int:
    """The id of a process that ends with what the work returns."""
    child = os.fork()
    if child:
        return child
    try:
        os._exit(work())
    except BaseException:  # noqa: BLE001 - a child must not go on with its parent's work
        os._exit(_BROKEN)


def core() -> list[Path]:
    """The modules of the domain and the use cases."""
    found = (path.relative_to(ROOT) for layer in _CORE for path in (_PACKAGE / layer).rglob("*.py"))
    return sorted(path for path in found if _TESTED_WITH_FILES not in path.parts)


def chosen(share: int, only: str) -> Iterator[Mutant]:
    """One in so many mutants, always the same, of those whose names contain `only`."""

    def is_wanted(name: str) -> bool:
        return only in name and zlib.crc32(name.encode()) % share == 0

    for module in core():
        source = (ROOT / module).read_text(encoding="utf-8")
        yield from mutants_of(str(module), source, is_wanted)


def main() -> int:
    """Say how many were killed, and which were not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=5, help="try one mutant in so many")
    parser.add_argument("--only", default="", help="of those whose name contains this")
    parser.add_argument("--at-once", type=int, default=2, help="so many processes")
    options = parser.parse_args()
    mutants = list(chosen(options.share, options.only))
    everything = [*_OPTIONS, *_TESTS]
    measured = _MEASURED / digest(ROOT, ("functions/cutout", "tests"))
    if not measured.exists():
        modules = [_dotted(str(module)) for module in core()]
        measuring = in_a_child(partial(measure, measured, _PACKAGE, modules, everything))
        _, status = os.waitpid(measuring, 0)
        assert status == 0, "the tests fail without any change"
    survivors = Survivors(mutants, Selection(measured, ROOT), options.at_once)
    if pytest.main(everything, plugins=[survivors]) == pytest.ExitCode.INTERRUPTED:
        return int(pytest.ExitCode.INTERRUPTED)
    equivalent = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    excused = sum(one.name in equivalent for one in survivors.found)
    unnoticed = len(survivors.found) - excused
    killed = 100 * (1 - unnoticed / max(1, len(mutants) - excused))
    sys.stdout.write(
        f"{len(mutants)} mutants, {excused} equivalent, {unnoticed} unnoticed: {killed:.1f} %\n"
    )
    return int(killed < _ENOUGH_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
