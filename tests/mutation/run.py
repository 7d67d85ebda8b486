"""Mutation testing: `make mutants` changes the core, and looks whether a unit test notices.

A change that no test notices is either a test that is missing, or changes nothing that anybody
could see: those are listed with their reason in `equivalent.toml`.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import sys
import tomllib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

import coverage
import pytest

from tests.mutation.mutants import Mutant, mutants_of

ROOT = Path(__file__).parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
_PACKAGE = ROOT / "functions" / "cutout"
_TESTS = ("tests/unit/core", "tests/unit/usecases")
_NOT_THE_CORE = frozenset({"__init__.py", "cli", "local", "adapters", "wiring", "ports"})
_FILE_FORMATS = frozenset({
    "acceptance.py", "colour_profile.py", "encoded_words.py", "exif.py", "formats.py",
    "jpeg_segments.py", "photo.py", "png_chunks.py", "structure.py",
})  # fmt: skip
"""What reads files is tested with real ones, by the contract tests."""
_MEASURED = ROOT / ".cutout" / "mutants.coverage"
_CPU_SECONDS = 240
"""What a mutant may take that never ends; all tests together take less."""
_MEMORY_BYTES = 3 * 1024**3
_AT_ONCE = 2
_NARROWEST = 15
"""So few tests notice most changes; to collect all others takes longer than to run these."""
_ENOUGH_PERCENT = 97
_BROKEN = 70
_OPTIONS = ("-q", "--no-header", "-p", "no:cacheprovider")


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        path = Path(mutant.module).relative_to("functions").with_suffix("")
        self._name = ".".join(path.parts)

    def find_spec(
        self, fullname: str, _path: object, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        is_it = fullname == self._name
        return importlib.util.spec_from_loader(fullname, self) if is_it else None

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self._mutant.source, str(ROOT / self._mutant.module), "exec")
        exec(code, vars(module))  # noqa: S102 - our own source, but for the change


def measure() -> int:
    """Run the tests once, and note which of them runs which line."""
    os.environ["COVERAGE_FILE"] = str(_MEASURED)
    noting = ("--cov=cutout", "--cov-context=test", "--cov-report=", "--cov-config=/dev/null")
    return int(pytest.main([*_OPTIONS, *noting, *_TESTS]))


class Selection:
    """Which tests may notice a change."""

    def __init__(self) -> None:
        data = coverage.CoverageData(str(_MEASURED))
        data.read()
        self._lines: dict[str, dict[int, list[str]]] = {}
        self._reach: dict[str, int] = {}
        for file in data.measured_files():
            lines = data.contexts_by_lineno(file)
            self._lines[str(Path(file).relative_to(ROOT))] = lines
            for contexts in lines.values():
                for context in contexts:
                    self._reach[context] = self._reach.get(context, 0) + 1

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Those that run the changed lines; of what runs at import, those that run the module.

        The narrowest first: they are the likeliest to be about it.
        """
        lines = self._lines.get(mutant.module, {})
        some = {test for number in mutant.lines for test in lines.get(number, []) if test}
        found = some or {test for tests in lines.values() for test in tests if test}
        narrowest = sorted(found, key=lambda test: (self._reach[test], test))
        return list(dict.fromkeys(test.partition("|")[0] for test in narrowest))


def survivors_of(mutants: Iterable[Mutant], selection: Selection) -> Iterator[Mutant]:
    """The mutants that no test notices, each tried in a process of its own."""
    running: dict[int, Mutant] = {}
    waiting = iter(mutants)
    while True:
        while len(running) < _AT_ONCE and (mutant := next(waiting, None)):
            running[in_a_child(partial(_noticed, mutant, selection.tests_for(mutant)))] = mutant
        if not running:
            return
        child, status = os.wait()
        tried = running.pop(child)
        if status == 0:
            yield tried


def in_a_child(work: Callable[[], int]) -> int:
    """The id of a process that ends with what the work returns."""
    child = os.fork()
    if child:
        return child
    try:
        os._exit(work())
    except BaseException:  # noqa: BLE001 - also a mutant that does not even import is noticed
        os._exit(_BROKEN)


def _noticed(mutant: Mutant, tests: Sequence[str]) -> int:
    """0 if all tests pass. One that never ends is killed, and so counts as noticed."""
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.meta_path.insert(0, _Changed(mutant))
    for part in (tests[:_NARROWEST], tests[_NARROWEST:]):
        if part and (code := pytest.main([*_OPTIONS, "-x", *part])):
            return int(code)
    return 0


def core() -> list[Path]:
    """The modules of the domain and the use cases."""
    found = (path.relative_to(_PACKAGE) for path in _PACKAGE.rglob("*.py"))
    return sorted(
        (_PACKAGE / path).relative_to(ROOT)
        for path in found
        if not (_NOT_THE_CORE | _FILE_FORMATS).intersection(path.parts)
    )


def chosen(modules: Iterable[Path], share: int) -> list[Mutant]:
    """One in so many mutants, always the same."""

    def is_wanted(name: str) -> bool:
        return zlib.crc32(name.encode()) % share == 0

    return [
        mutant
        for module in modules
        for mutant in mutants_of(
            str(module), (ROOT / module).read_text(encoding="utf-8"), is_wanted
        )
    ]


def main() -> int:
    """Say how many were killed, and which were not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=5, help="try one mutant in so many")
    parser.add_argument("--only", default="", help="of modules whose path contains this")
    parser.add_argument("--measured", action="store_true", help="trust the last measurement")
    options = parser.parse_args()
    if not options.measured:
        _, status = os.waitpid(in_a_child(measure), 0)
        assert status == 0, "the tests fail without any change"
    mutants = chosen((one for one in core() if options.only in str(one)), options.share)
    equivalent = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    unnoticed = 0
    excused = 0
    for mutant in survivors_of(mutants, Selection()):
        is_excused = mutant.name in equivalent
        excused += is_excused
        unnoticed += not is_excused
        if not is_excused:
            sys.stdout.write(f"survives: {mutant.name}\n")
            sys.stdout.flush()
    others = len(mutants) - excused
    killed = 100 * (others - unnoticed) / max(1, others)
    sys.stdout.write(
        f"{len(mutants)} mutants, {excused} equivalent, {unnoticed} unnoticed: {killed:.1f} %\n"
    )
    return int(killed < _ENOUGH_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
