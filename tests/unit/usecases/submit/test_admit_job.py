"""Admission: one transaction records the attempt, takes the slot and owns the photo's record."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cutout.domain.gate.gate import Gate, Limits, holder
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.result import DedupRecord
from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.admitting import SEAL, held, registered, sealed, taken
from tests.support.builders import new_gate
from tests.support.deduplicating import deduplicating, finish
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE, answering
from tests.support.fakes.world import LIMITS, TIMING, World, png
from tests.support.hooks import Hook


def test_a_new_job_is_admitted_by_one_transaction() -> None:
    """Its photo's record is written without a read, and the gate is only read."""
    hook = Hook()
    world = sealed(deduplicating(hook))
    job = registered(world)
    hook.seen.clear()
    world.submit.advance(job)
    assert taken(hook)[: taken(hook).index("evolink.create")] == [
        "gate.read",
        "bodies.keep",
        "bodies.keep done",
        "jobs.save",
        "jobs.save done",
    ]
    (record,) = world.dedup_records.items.values()
    assert record == DedupRecord(picture=record.picture, owner=job.id, version=0)
    assert world.jobs.shards[0].holders == {holder(job.id, 1, START)}
    assert world.jobs.shards[0].spent == {START.date(): PRICE}


def test_the_first_job_opens_the_gate_before_it_is_admitted() -> None:
    """The gate is read once. Its write fails if an earlier version admitted a job meanwhile."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    assert job.state is State.PROCESSING
    gate_steps = [step for step in hook.seen if step.startswith("gate.") or step == "jobs.save"]
    assert gate_steps[:4] == ["gate.read", "gate.write", "gate.write done", "jobs.save"]
    assert world.jobs.read_gate().is_sealed


def test_a_slot_that_another_job_takes_first_is_not_taken_twice() -> None:
    """The transaction fails as a whole: no attempt, no charge, no record, no call."""
    hook = Hook()
    world = sealed(World(reuse=True, step=hook, limits=replace(LIMITS, max_in_flight=1)))
    hook.once_at("jobs.save", lambda: world.occupy(1))
    job = world.arrives()
    assert held(job) == (State.QUEUED, Reason.GATE_FULL, True, 0)
    assert (world.jobs.read_gate().in_flight, world.evolink.posts) == (1, [])
    assert (world.dedup_records.items, world.jobs.shards[0].spent) == ({}, {})


def test_a_job_that_loses_a_slot_takes_another_one() -> None:
    """The gate is read again at once."""
    hook = Hook()
    world = sealed(World(step=hook))
    hook.once_at("jobs.save", lambda: world.occupy(2))
    job = world.arrives()
    assert (job.state, len(job.attempts)) == (State.PROCESSING, 1)
    assert world.jobs.read_gate().in_flight == 3


def test_credits_that_another_job_spends_first_are_not_spent_twice() -> None:
    """The cap also holds for concurrent admissions."""
    hook = Hook()
    cap = Limits(max_in_flight=3, daily_credit_cap=PRICE)
    world = sealed(World(step=hook, limits=cap))
    hook.once_at("jobs.save", lambda: world.occupy(1, spent=PRICE))
    job = world.arrives()
    assert held(job) == (State.QUEUED, Reason.DAILY_CAP, True, 0)
    assert (world.jobs.shards[0].spent, world.evolink.posts) == ({START.date(): PRICE}, [])


def test_a_job_whose_result_key_is_taken_meanwhile_claims_the_next_one() -> None:
    """With one slot, one body and one call."""
    hook = Hook()
    world = sealed(World(reuse=True, step=hook))
    hook.once_at("jobs.save", lambda: world.jobs.result_keys.update({"a.png": "uploads/a.png"}))
    job = world.arrives("a.jpg")
    assert (job.state, job.result_key, len(job.attempts)) == (State.PROCESSING, "a.jpg.png", 1)
    assert (world.jobs.read_gate().in_flight, len(world.evolink.posts)) == (1, 1)
    assert len(world.jobs.bodies) == 1


def test_a_job_whose_photo_and_result_key_are_taken_waits_without_a_key() -> None:
    """It claims the next key once it uses the cached result."""
    world = sealed(World(reuse=True))
    first = world.arrives("b.jpg")
    world.jobs.result_keys["a.png"] = "uploads/a.png"
    job = world.arrives("a.jpg")
    assert (job.reason, job.result_key) == (Reason.SAME_PICTURE, None)
    finish(world, first)
    done = world.job(job)
    assert (done.state, done.result_key) == (State.COMPLETED, "a.jpg.png")
    assert len(world.evolink.posts) == 1


@pytest.mark.parametrize("count", [19, 20, 21])
def test_the_slots_of_several_shards_are_all_used_and_no_more(count: int) -> None:
    """Twenty slots are divided over three shards."""
    limits = Limits(max_in_flight=20, daily_credit_cap=Decimal(5000))
    world = World(limits=limits)
    jobs = [world.arrives(f"{number}.jpg", png(salt=number)) for number in range(count)]
    held_slots = [len(shard.holders) for _, shard in sorted(world.jobs.shards.items())]
    assert (limits.shards, sum(held_slots)) == (3, min(20, count))
    assert max(held_slots) <= 7
    assert sum(job.state is State.PROCESSING for job in jobs) == min(20, count)


def test_jobs_admitted_under_raised_limits_count_after_the_limits_are_lowered() -> None:
    """A deployment is rolled back within a minute: the slots and credits of its shards still count.

    Only the first admission writes the gate.
    """
    hook = Hook()
    raised = Limits(max_in_flight=50, daily_credit_cap=Decimal(50_000))
    world = sealed(World(limits=raised, step=hook))
    world.arrives("0.jpg", png(salt=0))
    hook.seen.clear()
    for number in range(1, 40):
        world.arrives(f"{number}.jpg", png(salt=number))
    assert "gate.write" not in hook.seen
    gate = world.jobs.read_gate(LIMITS)
    assert (gate.in_flight, gate.spent_on(START.date())) == (40, 40 * PRICE)
    assert gate.why_closed(START) is Reason.GATE_FULL


# Beside an earlier version


@pytest.mark.parametrize(
    ("old", "paused_by"),
    [
        (None, None),
        (new_gate(version=7, carried_in_flight=1), None),
        (
            new_gate(version=7, seal=Pause(reason=PauseReason.OPERATOR, since=START, until=None)),
            PauseReason.OPERATOR,
        ),
    ],
)
def test_the_first_admission_pauses_the_gate_for_earlier_versions(
    old: Gate | None, paused_by: PauseReason | None
) -> None:
    """They read the pause where they expect it; a pause that they set is kept."""
    world = World()
    world.jobs.gate = old
    job = world.arrives()
    gate = world.jobs.read_gate()
    assert gate.seal == SEAL
    assert (gate.pause.reason if gate.pause else None) == paused_by
    assert job.state is (State.QUEUED if paused_by else State.PROCESSING)


def test_slots_and_credits_of_an_earlier_version_count() -> None:
    """It holds one of three slots, and has left the day's credits for two photos."""
    world = World()
    cap = LIMITS.daily_credit_cap
    world.jobs.gate = new_gate(
        version=7,
        carried_in_flight=1,
        carried_day=START.date(),
        carried_spent=cap - 2 * PRICE,
    )
    states = [world.arrives(f"{n}.jpg", png(salt=n)).reason for n in range(3)]
    assert states == [None, None, Reason.GATE_FULL]
    for job in list(world.jobs.jobs.values())[:2]:
        finish(world, job)
    assert world.job(list(world.jobs.jobs.values())[2]).reason is Reason.DAILY_CAP
    assert world.jobs.read_gate().spent_on(START.date()) == cap


def test_a_gate_that_an_earlier_version_writes_meanwhile_is_read_again() -> None:
    """That version admitted a job just before it was paused."""
    hook = Hook()
    world = World(step=hook, limits=replace(LIMITS, max_in_flight=1))
    world.jobs.gate = new_gate(version=7)

    def admits() -> None:
        world.jobs.gate = new_gate(version=8, carried_in_flight=1)

    hook.once_at("gate.write", admits)
    assert held(world.arrives()) == (State.QUEUED, Reason.GATE_FULL, True, 0)


# Bodies


def test_each_worker_that_prepares_an_attempt_stores_its_own_body() -> None:
    """The links differ, so the bodies do: the repeat sends the body of the admitted worker."""
    hook = Hook()
    world = World(step=hook)
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = registered(world)
    hook.once_at("jobs.save", lambda: world.submit.advance(job))
    world.submit.advance(job)
    ((_key, text),) = world.evolink.posts
    (attempt,) = world.job(job).attempts
    assert len(world.jobs.bodies) == 2
    assert world.jobs.find_body(job.id, attempt.body_name or "") == text
    world.passes(TIMING.unconfirmed_grace)
    assert [posted for _key, posted in world.evolink.posts] == [text, text]
