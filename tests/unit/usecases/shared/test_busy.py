"""A gate or table that is written by too many at once, and answers that got lost on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.gate import Gate
from cutout.domain.job.job import Job
from cutout.domain.provider import CreateOutcome, OutcomeUnknown
from cutout.domain.states import State
from cutout.usecases.shared.admission import GATE_TRIES, change_gate
from tests.support.fakes.evolink import FakeEvolink
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook


def contended(hook: Hook, world: World, step: str) -> None:
    """Whenever somebody comes to the step, somebody else has just written the gate."""

    def write() -> None:
        gate = world.jobs.gate or Gate()
        world.jobs.gate = replace(gate, version=gate.version + 1)
        hook.once_at(step, write)

    hook.once_at(step, write)


def new_job(world: World) -> Job:
    """A photo that Submit has not looked at."""
    job = world.registered(world.uploads.add("a.jpg", png()))
    assert job is not None
    return job


def test_who_cannot_get_through_to_the_gate_leaves_it_to_a_later_delivery() -> None:
    """Bounded: the message comes again, and nothing was paid."""
    hook = Hook()
    world = World(step=hook)
    job = new_job(world)
    contended(hook, world, "jobs.save")
    with pytest.raises(StoreBusyError):
        world.submit.advance(job)
    assert hook.seen.count("jobs.save") == GATE_TRIES
    assert (world.job(job), world.evolink.posts) == (job, [])


def test_an_answer_that_cannot_be_recorded_is_passed_on_to_who_follows_tasks() -> None:
    """Paid, and nobody else knows the task: without it, the call would be repeated, and paid again.

    The provider calls nobody back here, and does not know a repeat by its key.
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
    world.settles()
    assert (world.job(job).state, world.job(job).attempts[0].task_id) == (
        State.PROCESSING,
        world.task_of(job),
    )
    world.evolink.complete(world.task_of(job))
    world.passes(TIMING.poll_interval + TIMING.lease)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.COMPLETED, 1)


def test_a_slot_that_cannot_be_given_back_now_is_given_back_later() -> None:
    """The row is not written without the gate: the task is looked at again."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    contended(hook, world, "jobs.save")
    with pytest.raises(StoreBusyError):
        world.wake(job)
    assert world.job(job) == job
    hook.once_at("jobs.save", lambda: None)
    assert world.wake(job).state is State.COMPLETED


def test_a_change_to_the_gate_alone_is_bounded_too() -> None:
    """Sweep, or a person, comes again."""
    hook = Hook()
    world = World(step=hook)
    contended(hook, world, "gate.write")
    with pytest.raises(StoreBusyError):
        change_gate(world.jobs, lambda gate: gate.recounted(9, world.clock.now()))
    assert hook.seen.count("gate.write") == GATE_TRIES


@pytest.mark.parametrize("lost", range(6))
def test_a_write_whose_answer_got_lost_is_made_good(lost: int) -> None:
    """It was written, but its writer is told that it lost: Sweep finds the job and goes on."""
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


def test_a_slow_call_that_ends_unknown_after_its_lease_is_still_just_unknown() -> None:
    """Sweep thought its worker dead; the worker knows no more than Sweep."""
    world = World()

    def slow(_evolink: FakeEvolink, _body: str, _key: str) -> CreateOutcome:
        world.clock.advance(TIMING.lease)
        world.sweep.sweep()
        world.settles()
        return OutcomeUnknown(message="ReadTimeout")

    world.evolink.create_faults.append(slow)
    job = world.arrives()
    assert (job.state, job.attempts[0].posts, len(world.evolink.posts)) == (
        State.UNCONFIRMED,
        1,
        1,
    )
