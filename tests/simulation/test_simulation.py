from __future__ import annotations

from collections import Counter
from dataclasses import fields

import pytest

from cutout.states import State
from tests.simulation.faults import Mix
from tests.simulation.mutations import MUTATIONS
from tests.simulation.promises import PromiseBrokenError
from tests.simulation.runs import run

SEEDS = 300
_SEEDS_TO_CATCH = 60


def test_the_promises_hold_whatever_happens_in_whatever_order() -> None:
    """Thousands of jobs over hundreds of seeds: every fault of the table, every interleaving."""
    injected: Counter[str] = Counter()
    ended: Counter[State] = Counter()
    for seed in range(SEEDS):
        engine = run(seed)
        injected += engine.faults.injected
        ended.update(job.state for job in engine.world.jobs.jobs.values())
    print(f"{ended.total()} jobs over {SEEDS} seeds: {dict(ended)}; faults: {dict(injected)}")
    assert ended.total() >= 10 * SEEDS
    assert set(ended) == {state for state in State if state.is_settled}
    assert set(injected) == {kind.name for kind in fields(Mix)}


def test_a_seed_shows_the_same_again() -> None:
    """What fails in CI can be looked at anywhere."""
    first, second = run(7), run(7)
    assert first.world.jobs.jobs == second.world.jobs.jobs
    assert first.world.evolink.posts == second.world.evolink.posts


@pytest.mark.parametrize("name", MUTATIONS)
def test_breaking_a_mechanism_breaks_a_promise(name: str) -> None:
    """A simulation that cannot fail proves nothing: each mutation is caught within a few seeds."""
    with MUTATIONS[name](), pytest.raises(AssertionError) as caught:
        for seed in range(_SEEDS_TO_CATCH):
            run(seed)
    assert isinstance(caught.value, PromiseBrokenError) or "seed" in str(caught.value)
