"""Contention on the gate and the table, and writes whose response is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import CreateOutcome, OutcomeUnknown
from cutout.domain.states import State
from cutout.usecases.shared.change_gate import GATE_TRIES, change_gate
from tests.support.builders import new_gate
from tests.support.fakes.evolink import FakeEvolink
from tests.support.fakes.world import LIMITS, TIMING, World, png
from tests.support.hooks import Hook


def contended(hook: Hook, step: str, write: Callable[[], object]) -> None:
    """Call `write` each time a worker reaches the step, as a competing worker would."""

    def race() -> None:
        write()
        hook.once_at(step, race)

    hook.once_at(step, race)


def new_job(world: World) -> Job:
    """A registered job that Submit has not advanced."""
    job = world.registered(world.uploads.add("a.jpg", png()))
    assert job is not None
    return job


def test_a_job_that_loses_every_race_for_a_slot_is_left_to_a_later_delivery() -> None:
    """The number of tries is bounded; the queue redelivers the message, and nothing was paid."""
    hook = Hook()
    world = World(step=hook, limits=replace(LIMITS, max_in_flight=1))
    job = new_job(world)
    # Another job takes the only slot before each write, and frees it before the next read.
    contended(hook, "jobs.save", lambda: world.occupy(1))
    contended(hook, "gate.read", world.jobs.shards.clear)
    with pytest.raises(StoreBusyError):
        world.submit.advance(job)
    assert hook.seen.count("jobs.save") == GATE_TRIES
    assert (world.job(job), world.evolink.posts) == (job, [])


def test_an_accepted_call_that_cannot_be_recorded_is_passed_on_in_a_message() -> None:
    """Without the message, the call would be repeated and might be charged again.

    This provider sends no callback and ignores idempotency keys.
    """
    hook = Hook()
    world = World(step=hook)
    world.evolink.honours_keys = False

    def busy() -> None:
        raise StoreBusyError("throttled")

    hook.once_at("evolink.create done", lambda: hook.once_at("jobs.save", busy))
    with pytest.raises(StoreBusyError):
        world.arrives()
    [job] = world.jobs.jobs.values()
    assert (job.state, job.attempts[0].task_id) == (State.SUBMITTING, None)
    world.deliver_all()
    assert (world.job(job).state, world.job(job).attempts[0].task_id) == (
        State.PROCESSING,
        world.task_of(job),
    )
    world.evolink.complete(world.task_of(job))
    world.passes(TIMING.poll_interval + TIMING.lease)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.COMPLETED, 1)


def test_a_slot_is_freed_with_the_write_that_ends_its_task() -> None:
    """Both are in one transaction: if it fails, the task is read again."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))

    def busy() -> None:
        raise StoreBusyError("throttled")

    hook.once_at("jobs.save", busy)
    with pytest.raises(StoreBusyError):
        world.check_task(job)
    assert (world.job(job), world.jobs.read_gate().in_flight) == (job, 1)
    assert world.check_task(job).state is State.COMPLETED
    assert world.jobs.read_gate().in_flight == 0


def test_a_change_to_the_gate_alone_gives_up_after_a_bounded_number_of_tries() -> None:
    """Sweep or the operator repeats it later."""
    hook = Hook()
    world = World(step=hook)

    def write() -> None:
        gate = world.jobs.gate or new_gate()
        world.jobs.gate = replace(gate, version=gate.version + 1)

    contended(hook, "gate.write", write)
    with pytest.raises(StoreBusyError):
        change_gate(world.jobs, lambda gate: gate.priced(Decimal(7)))
    assert hook.seen.count("gate.write") == GATE_TRIES


@pytest.mark.parametrize("lost", range(6))
def test_a_write_whose_response_is_lost_does_not_lose_the_job(lost: int) -> None:
    """The write took effect although its writer sees a conflict; Sweep finds the job."""
    world = World()
    answers = iter(range(100))
    world.jobs.loses_answer = lambda: next(answers) == lost
    job = world.arrives()
    world.passes(TIMING.unconfirmed_grace)
    for charge in world.evolink.charges:
        world.evolink.complete(charge.task_id)
    world.passes(2 * TIMING.unconfirmed_grace)
    assert world.job(job).state is State.COMPLETED
    assert (world.job(job).is_announced, len(world.evolink.charges)) == (True, 1)


def test_a_slow_call_with_unknown_outcome_is_unconfirmed_after_its_lease() -> None:
    """Sweep has already taken the worker for crashed; both record that the outcome is unknown."""
    world = World()

    def slow(_evolink: FakeEvolink, _body: str, _key: str) -> CreateOutcome:
        world.clock.advance(TIMING.lease)
        world.sweep.sweep()
        world.deliver_all()
        return OutcomeUnknown(message="ReadTimeout")

    world.evolink.create_faults.append(slow)
    job = world.arrives()
    assert (job.state, job.attempts[0].posts, len(world.evolink.posts)) == (
        State.UNCONFIRMED,
        1,
        1,
    )
