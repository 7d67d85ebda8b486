from __future__ import annotations

from dataclasses import fields

import pytest

from cutout.domain.states import State
from tests.simulation.faults import Mix
from tests.simulation.runs import MUTATIONS, first_break, run, tally

_MOST_TELLING = 1340
"""It shows most mutations."""
_TELLING = {
    "task ids are not claimed": 18,
    "all copies have one name": 12,
    "preparing anew forgets what was paid": 315,
    "a report counts for whatever state its job is in": 83,
    "a kept result is not verified": 17,
    "nobody looks for a newer photo": 83,
    "a lease that ran out is started over": 680,
    "a write without its condition": 0,
    "a timeout is taken for not sent": 680,
    "every result is accepted": 21,
    "a repeat carries a new key": 17,
    "any token is authentic": 25,
    "pictures are owned without a condition": 8,
    "a copy is reported before it is there": 315,
    "a slot is taken without its condition": 84,
    "an older photo may replace a newer ones result": 43,
    "sweep sends nothing on": 78,
    "a copy is sent however old it is": 315,
    "an announcement is noted before it is sent": 100,
    "a failure that only a callback named is retried": 40,
    "every photo is taken for the newest": 11,
}
"""A seed that shows the mutation of this name; `runs --mutations` finds others."""
_SEEDS = sorted({*range(60), _MOST_TELLING, *_TELLING.values()})
_SEEDS_TO_CATCH = [_MOST_TELLING, *_TELLING.values(), *range(300)]
"""Run where a change of the simulation makes a mutation's own seed miss it."""


def test_promises_hold_whatever_happens_in_whatever_order() -> None:
    """Ten jobs a seed and more: every fault at least once, every end of a job."""
    told = tally(_SEEDS)
    assert told.jobs.total() >= 10 * len(_SEEDS)
    assert set(told.jobs) == {state for state in State if state.is_settled}
    assert set(told.faults) == {kind.name for kind in fields(Mix)}


def test_same_seed_repeats_the_same_run() -> None:
    """A failure in CI can be reproduced anywhere."""
    first, second = run(7), run(7)
    assert first.world.jobs.jobs == second.world.jobs.jobs
    assert first.world.evolink.posts == second.world.evolink.posts


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_breaks_a_promise(name: str) -> None:
    """A simulation that cannot fail proves nothing: each mutation is noticed within some seeds."""
    with MUTATIONS[name]():
        broken = first_break([_TELLING.get(name, _MOST_TELLING), *_SEEDS_TO_CATCH])
    assert broken is not None, f"{name}: nothing noticed"
