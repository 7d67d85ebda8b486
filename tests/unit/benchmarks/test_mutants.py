"""The changes that `make mutants` makes have the names that describe them."""

from __future__ import annotations

import tomllib

from tests.benchmarks.mutation.mutants import mutants_of
from tests.benchmarks.mutation.run import EQUIVALENT, ROOT

SOURCE = '''
if TYPE_CHECKING:
    from jobs import Job


@dataclass(frozen=True)
class Gate:
    """Its words are left alone."""

    def holds(self, n: int) -> bool:
        self.telemetry.log("asked", n=n)
        if self.is_open and n < 3:
            self.note(n, at=now)
            return not self.is_full
        return None
'''


def names(source: str) -> list[str]:
    """The changes, without their places."""
    return [one.name.partition(": ")[2] for one in mutants_of("gate.py", source, lambda _: True)]


def test_decisions_values_and_statements_are_changed_one_at_a_time() -> None:
    """Decorators, documentation and log calls are not."""
    assert names(SOURCE) == [
        "if self.is_open and n < 3 -> if True",
        "if self.is_open and n < 3 -> if False",
        "self.is_open and n < 3 -> self.is_open or n < 3",
        "self.is_open and n < 3 -> n < 3",
        "self.is_open and n < 3 -> self.is_open",
        "n < 3 -> n <= 3",
        "3 -> 7",
        "self.note(n, at=now) -> pass",
        "self.note(n, at=now) -> self.note(n)",
        "return not self.is_full -> return None",
        "not self.is_full -> self.is_full",
    ]


def test_a_mutant_differs_from_its_module_only_in_its_change() -> None:
    """The other lines are the same."""
    source = "a = 1\nb = x < 2\nc = 3\n"
    (first, *_rest) = mutants_of("a.py", source, lambda name: "<=" in name)
    assert (first.source, first.lines) == ("a = 1\nb = x <= 2\nc = 3", range(2, 3))


def test_a_mutant_names_the_function_to_replace_and_the_lines_that_tests_must_reach() -> None:
    """The lines of a condition exclude its body; those of a constant start with its statement."""
    source = "class A:\n  def f(self):\n    if x:\n      g(\n        2,\n      )\n"
    found = {one.name: (one.function, one.lines) for one in mutants_of("a.py", source, bool)}
    assert found == {
        "a.py A.f: if x -> if True": ("A.f", range(3, 4)),
        "a.py A.f: if x -> if False": ("A.f", range(3, 4)),
        "a.py A.f: g(2) -> pass": ("A.f", range(4, 7)),
        "a.py A.f: 2 -> 5": ("A.f", range(4, 6)),
    }


def test_each_listed_change_without_effect_exists() -> None:
    """An outdated entry would excuse a change that was not reviewed."""
    listed = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    modules = {name.partition(" ")[0] for name in listed}
    known = {
        mutant.name
        for module in modules
        for mutant in mutants_of(
            module, (ROOT / module).read_text(encoding="utf-8"), listed.__contains__
        )
    }
    assert known == set(listed)
    assert all(reason.endswith(".") for reason in listed.values())
