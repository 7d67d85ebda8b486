"""The changes without effect that `make mutants` passes over."""

from __future__ import annotations

import tomllib

from tests.benchmarks.mutation.mutants import mutants_of
from tests.benchmarks.mutation.run import EQUIVALENT, ROOT


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
