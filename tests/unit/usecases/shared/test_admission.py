"""How many waiting jobs Submit is asked to look at, and a gate that is written too often."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.gate import Gate
from cutout.domain.job.conflicts import GateMovedError
from cutout.domain.states import State
from cutout.usecases.shared.admission import change_gate
from tests.support.builders import a_job, a_source
from tests.support.fakes.world import World


def behind_the_gate(world: World, count: int) -> list[str]:
    """So many photos wait."""
    for number in range(count):
        source = a_source(key=f"{number}.jpg")
        job = a_job(State.QUEUED, id=str(number), source=source, is_waiting=True, due_at=None)
        world.jobs.claim(job)
    return [str(number) for number in range(count)]


@pytest.mark.parametrize(
    ("gate", "waiting", "most", "woken"),
    [
        (Gate(), 5, None, 3),
        (Gate(), 2, None, 2),
        (Gate(), 5, 1, 1),
        (Gate(in_flight=2), 5, None, 1),
        (Gate(in_flight=2), 5, 2, 1),
        (Gate(in_flight=3), 5, None, 0),
        (Gate(price=Decimal(5000), spent=Decimal(1)), 5, None, 0),
    ],
)
def test_as_many_waiting_jobs_are_woken_as_the_gate_has_room_for(
    gate: Gate, waiting: int, most: int | None, woken: int
) -> None:
    """The oldest first, and no more than asked for."""
    world = World()
    ids = behind_the_gate(world, waiting)
    world.jobs.gate = replace(gate, day=world.clock.now().date())
    world.job_writer.admission.enqueue_waiting(most=most)
    assert world.submissions.job_ids == ids[:woken]


class BusyGates:
    """A gate that somebody else writes first, so many times."""

    def __init__(self, races: int) -> None:
        self.races = races

    def read_gate(self) -> Gate:
        """As it stands."""
        return Gate()

    def write_gate(self, gate: Gate) -> Gate:
        """Write it, or lose."""
        self.races -= 1
        if self.races >= 0:
            raise GateMovedError(Gate())
        return gate


def test_the_gate_is_changed_after_up_to_eleven_races() -> None:
    """Then the queue delivers again."""

    def rule(gate: Gate) -> Gate:
        return replace(gate, in_flight=2)

    assert change_gate(BusyGates(11), rule) == Gate(in_flight=2)
    with pytest.raises(StoreBusyError):
        change_gate(BusyGates(12), rule)
