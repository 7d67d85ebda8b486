"""How many waiting jobs Submit is asked to look at, and a gate that is written too often."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.states import State
from cutout.ports.jobs_table import GateMovedError
from cutout.usecases.shared.change_gate import change_gate
from tests.support.builders import a_job, a_source, new_gate
from tests.support.fakes.clock import START
from tests.support.fakes.world import World
from tests.support.hooks import Hook


def behind_the_gate(world: World, count: int) -> list[str]:
    """So many photos wait."""
    for number in range(count):
        source = a_source(key=f"{number}.jpg")
        job = a_job(State.QUEUED, id=str(number), source=source, is_waiting=True, due_at=None)
        world.jobs.claim(job)
    return [str(number) for number in range(count)]


@pytest.mark.parametrize(
    ("occupied", "spent", "waiting", "enqueued"),
    [(0, 0, 5, 3), (0, 0, 2, 2), (2, 0, 5, 1), (3, 0, 5, 0), (4, 0, 5, 0), (0, 4995, 5, 0)],
)
def test_as_many_waiting_jobs_are_enqueued_as_slots_are_free(
    occupied: int, spent: int, waiting: int, enqueued: int
) -> None:
    """The oldest first; none if the day's credits are spent."""
    world = World()
    ids = behind_the_gate(world, waiting)
    world.occupy(occupied, spent=spent)
    world.operate.enqueue_waiting()
    assert world.submissions.job_ids == ids[:enqueued]


def test_nothing_is_enqueued_while_the_gate_is_paused() -> None:
    """Each of the jobs would be read, and would wait again."""
    world = World()
    behind_the_gate(world, 2)
    change_gate(world.jobs, lambda gate: gate.pausing(PauseReason.OPERATOR, START, None))
    world.operate.enqueue_waiting()
    assert world.submissions.job_ids == []


@pytest.mark.parametrize("waiting", [0, 1, 5])
def test_a_freed_slot_enqueues_the_oldest_waiting_job_without_reading_the_gate(
    waiting: int,
) -> None:
    """One message for one slot; the worker that takes it reads the gate anyway."""
    hook = Hook()
    world = World(step=hook)
    ids = behind_the_gate(world, waiting)
    hook.seen.clear()
    world.job_writer.enqueue_next()
    assert world.submissions.job_ids == ids[:1]
    assert "gate.read" not in hook.seen


class BusyGates:
    """A gate that somebody else writes first, so many times."""

    def __init__(self, races: int) -> None:
        self.races = races

    def read_gate(self, deployed: Limits | None = None) -> Gate:
        """As it stands."""
        assert deployed is None, "the shards are not needed"
        return new_gate()

    def write_gate(self, gate: Gate) -> Gate:
        """Write it, or lose."""
        self.races -= 1
        if self.races >= 0:
            raise GateMovedError
        return gate

    def free_slot(self, shard: int, holder: str) -> None:
        """Rules do not free slots."""
        raise NotImplementedError(shard, holder)

    def forget_day(self, shard: int, day: date) -> None:
        """Rules do not forget days."""
        raise NotImplementedError(shard, day)


def test_the_gate_is_changed_after_up_to_eleven_races() -> None:
    """Then the queue delivers again."""

    def rule(gate: Gate) -> Gate:
        return gate.priced(Decimal(7))

    assert change_gate(BusyGates(11), rule) == new_gate(price=Decimal(7))
    with pytest.raises(StoreBusyError):
        change_gate(BusyGates(12), rule)


def test_a_rule_that_changes_nothing_writes_nothing() -> None:
    """A write would make the writes of others fail."""
    assert change_gate(BusyGates(12), lambda gate: gate.resuming()) == new_gate()
