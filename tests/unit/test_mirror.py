"""Tests mirror the source: each bears the name of the module that it tests, in the same folder."""

from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
MIRRORS = {
    "unit": "functions/cutout",
    "unit/benchmarks": "tests/benchmarks",
    "infra": "infra",
}
OF_NO_MODULE = {
    # All use cases together.
    "unit/usecases/test_another_provider.py",
    "unit/usecases/test_crashes.py",
    "unit/usecases/test_recorded_cases.py",
    "unit/usecases/test_recorded_lives.py",
    # All output of the command line.
    "unit/cli/test_hostile_text.py",
    # What the command line reads of a stack, on the MiniStack of the local cloud.
    "infra/local/test_deployed_stack.py",
    # The package that is published.
    "infra/test_wheel.py",
}


def _tests() -> Iterator[Path]:
    """Tests in `unit` itself are about the whole project."""
    for file in (TESTS / "unit").rglob("test_*.py"):
        if file.parent != TESTS / "unit":
            yield file.relative_to(TESTS)
    yield from (file.relative_to(TESTS) for file in (TESTS / "infra").rglob("test_*.py"))


def _sources(folder: Path) -> Path:
    """The folder that a folder of tests mirrors."""
    root = next(one for one in (folder, *folder.parents) if str(one) in MIRRORS)
    return TESTS.parent / MIRRORS[str(root)] / folder.relative_to(root)


def _is_of_a_module(test: Path) -> bool:
    """`test_<module>.py` or `test_<module>_<aspect>.py`; a folder counts as a module."""
    words = test.stem.split("_")[1:]
    names = ("_".join(words[:count]) for count in range(1, len(words) + 1))
    folder = _sources(test.parent)
    return any((folder / f"{name}.py").is_file() or (folder / name).is_dir() for name in names)


def test_each_test_is_where_its_module_is() -> None:
    """A reader of a module finds its tests without a search."""
    assert {str(test) for test in _tests() if not _is_of_a_module(test)} == OF_NO_MODULE
