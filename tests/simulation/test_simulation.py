from __future__ import annotations

from dataclasses import fields

import pytest

from cutout.domain.states import State
from tests.simulation.faults import Mix
from tests.simulation.runs import MUTATIONS, first_break, run, tally

_SEEDS = range(100)
_TELLING = (1340, 704, 83, 25, 8, 5, 680, 1070, 19, 3, 78, 100, 202)
"""Together they show every mutation, the first ones most of them."""
_SEEDS_TO_CATCH = [*_TELLING, *range(300)]
"""Where a change of the simulation makes the first ones miss a mutation, the others are run."""


def test_the_promises_hold_whatever_happens_in_whatever_order() -> None:
    """A thousand jobs over a hundred seeds: every fault at least once, every end of a job."""
    told = tally(_SEEDS)
    assert told.jobs.total() >= 10 * len(_SEEDS)
    assert set(told.jobs) == {state for state in State if state.is_settled}
    assert set(told.faults) == {kind.name for kind in fields(Mix)}


def test_a_seed_shows_the_same_again() -> None:
    """What fails in CI can be looked at anywhere."""
    first, second = run(7), run(7)
    assert first.world.jobs.jobs == second.world.jobs.jobs
    assert first.world.evolink.posts == second.world.evolink.posts


@pytest.mark.parametrize("name", MUTATIONS)
def test_breaking_a_mechanism_breaks_a_promise(name: str) -> None:
    """A simulation that cannot fail proves nothing: each mutation is caught within some seeds."""
    with MUTATIONS[name]():
        broken = first_break(_SEEDS_TO_CATCH)
    assert broken is not None, f"{name}: nothing noticed"
