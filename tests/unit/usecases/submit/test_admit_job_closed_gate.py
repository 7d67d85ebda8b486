"""A job that finds no free slot waits with a reason; one that needs no slot continues."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.gate.gate import Limits
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State, Transport
from cutout.usecases.shared.change_gate import change_gate
from tests.support.admitting import held, registered, sealed
from tests.support.deduplicating import deduplicating, finish
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE, answering
from tests.support.fakes.world import LIMITS, TIMING, World
from tests.support.hooks import Hook

MINUTE = timedelta(minutes=1)


def paused(world: World) -> None:
    """Pause the gate as an operator does."""
    change_gate(world.jobs, lambda gate: gate.pausing(PauseReason.OPERATOR, START, None))


def too_dear(world: World) -> None:
    """Set the price of a photo above the daily cap."""
    limits = Limits(max_in_flight=3, daily_credit_cap=PRICE / 2)
    change_gate(world.jobs, lambda gate: gate.priced(Decimal(7)).limited(limits))


def behind_others(world: World) -> None:
    """Add a waiting upload whose photo is gone."""
    other = registered(world, "other.jpg")
    world.jobs.save(replace(other, is_waiting=True, reason=Reason.GATE_FULL, due_at=None))
    world.note_waiting()


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        (lambda world: world.occupy(3), Reason.GATE_FULL),
        (lambda world: world.occupy(0, spent=LIMITS.daily_credit_cap), Reason.DAILY_CAP),
        (too_dear, Reason.PRICE_ABOVE_CAP),
        (paused, Reason.GATE_PAUSED),
        (behind_others, Reason.BEHIND_OTHERS),
    ],
)
@pytest.mark.parametrize("reuse", [True, False])
def test_a_job_that_finds_no_free_slot_records_why_it_waits(
    why: object,
    reason: Reason,
    reuse: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """It has no due time, and nothing was transferred, recorded or charged for it."""
    hook = Hook()
    world = sealed(World(reuse=reuse, step=hook))
    why(world)  # type: ignore[operator]
    job = registered(world)
    kept, text = world.submit.admit_job.admit(world.submit.checked(job))
    assert held(kept) == (State.QUEUED, reason, True, 0)
    assert (text, kept.due_at, world.job(job)) == (None, None, kept)
    assert (world.jobs.bodies, world.links.signed_at, world.dedup_records.items) == ({}, {}, {})


def test_a_note_that_jobs_wait_delays_no_job_when_none_waits_any_more() -> None:
    """Sweep corrects it only once a minute."""
    world = sealed(World())
    world.note_waiting()
    kept, _text = world.submit.admit_job.admit(world.submit.checked(registered(world)))
    assert kept.state is State.SUBMITTING


def test_only_the_first_of_many_waiting_jobs_writes_the_gate() -> None:
    """Each further write would compete with all others for one item."""
    hook = Hook()
    world = sealed(World(step=hook))
    world.occupy(3)
    jobs = [registered(world, f"{number}.jpg") for number in range(3)]
    waiting = [world.advance(job) for job in jobs]
    assert [job.reason for job in waiting] == [Reason.GATE_FULL] * 3
    assert hook.seen.count("gate.write done") == 2, "one write by `sealed`, one by the first job"


def test_the_gate_records_whether_jobs_wait() -> None:
    """With no waiting jobs, the index is not read; Sweep corrects the flag."""
    world = World()
    first = world.arrives()
    world.occupy(2)
    assert not world.jobs.read_gate().has_waiting
    waiting = world.arrives("b.jpg")
    assert (waiting.is_waiting, world.jobs.read_gate().has_waiting) == (True, True)
    world.sweep.sweep()
    assert world.jobs.read_gate().has_waiting
    finish(world, first)
    assert world.advance(world.job(waiting)).state is State.PROCESSING
    world.sweep.sweep()
    assert not world.jobs.read_gate().has_waiting
    other = registered(world, "other.jpg")
    world.jobs.save(replace(other, is_waiting=True, reason=Reason.GATE_FULL, due_at=None))
    world.sweep.sweep()
    assert world.jobs.read_gate().has_waiting


def test_a_job_whose_waiting_flag_loses_a_race_at_the_gate_decides_again() -> None:
    """The limits were raised meanwhile, so there is a free slot."""
    hook = Hook()
    world = sealed(World(step=hook))
    world.occupy(3)
    wide = replace(LIMITS, max_in_flight=4)
    hook.once_at(
        "gate.write",
        lambda: change_gate(world.jobs, lambda gate: gate.limited(wide)),
    )
    assert world.arrives().state is State.PROCESSING
    assert not world.jobs.read_gate().has_waiting


def test_a_live_job_does_not_wait_behind_backfilled_ones() -> None:
    """Backfilled jobs are admitted after live ones."""
    world = World()
    old = registered(world, "old.jpg", Lane.BACKFILL)
    world.jobs.save(replace(old, is_waiting=True, reason=Reason.GATE_FULL, due_at=None))
    world.note_waiting()
    assert world.arrives("live.jpg").state is State.PROCESSING
    assert world.job(old).is_waiting
    backfilled = registered(world, "later.jpg", Lane.BACKFILL)
    assert world.advance(backfilled).reason is Reason.BEHIND_OTHERS
    assert world.job(old).state is State.PROCESSING


def test_a_job_at_a_closed_gate_uses_a_cached_result() -> None:
    """No slot is needed: the deduplication record is read before the job waits."""
    world = deduplicating()
    finish(world, world.arrives("a.jpg"))
    paused(world)
    assert world.arrives("b.jpg").state is State.STORING


def test_a_call_that_the_provider_would_refuse_is_not_prepared() -> None:
    """With an API key that cannot be sent, the gate is paused and the photo is not transferred."""
    world = World(transport=Transport.FILES)
    world.evolink.unready = refusal(status=401, code="invalid_key", message="not printable")
    job = world.arrives()
    assert held(job) == (State.QUEUED, Reason.GATE_PAUSED, True, 0)
    pause = world.jobs.read_gate().pause
    assert (pause.reason if pause else None) is PauseReason.KEY_REFUSED
    assert (world.files.copies, world.jobs.bodies, world.evolink.posts) == ({}, {}, [])


def transfer_takes(seconds: int) -> tuple[World, Hook]:
    """A world in which the next upload to the provider's Files API takes this long."""
    hook = Hook()
    world = sealed(World(step=hook, transport=Transport.FILES))
    hook.once_at("files.upload", lambda: world.clock.advance(timedelta(seconds=seconds)))
    hook.seen.clear()
    return world, hook


@pytest.mark.parametrize(("seconds", "reads"), [(5, 1), (6, 2)])
def test_a_gate_read_too_long_ago_is_read_again(seconds: int, reads: int) -> None:
    """After a slow transfer; the photo is not transferred again."""
    world, hook = transfer_takes(seconds)
    job = world.arrives()
    assert (job.state, len(world.evolink.posts)) == (State.PROCESSING, 1)
    assert (hook.seen.count("gate.read"), hook.seen.count("files.upload")) == (reads, 1)


def test_a_pause_that_begins_during_a_transfer_blocks_the_call() -> None:
    """No transaction checks the pause, so the gate must be read within seconds of the call."""
    hook = Hook()
    world = sealed(World(step=hook, transport=Transport.FILES))

    def meanwhile() -> None:
        world.clock.advance(timedelta(seconds=30))
        paused(world)

    hook.once_at("files.upload", meanwhile)
    job = world.arrives()
    assert held(job) == (State.QUEUED, Reason.GATE_PAUSED, True, 0)
    assert world.evolink.posts == []


# Probes


def ended_pause(world: World) -> None:
    """Set a pause that has just ended."""
    reason = PauseReason.OUT_OF_CREDITS
    change_gate(world.jobs, lambda gate: gate.pausing(reason, START - MINUTE, START))


def test_after_a_pause_one_call_is_made_and_other_jobs_wait_for_its_outcome() -> None:
    """The pause is extended by a lease before the slot is taken; success ends it."""
    hook = Hook()
    world = sealed(World(step=hook))
    ended_pause(world)
    during: list[Pause | None] = []
    others: list[Job] = []

    def look() -> None:
        during.append(world.jobs.read_gate().pause)
        others.append(world.arrives("b.jpg"))

    hook.once_at("evolink.create", look)
    job = world.arrives("a.jpg")
    assert during == [
        Pause(reason=PauseReason.OUT_OF_CREDITS, since=START - MINUTE, until=START + TIMING.lease)
    ]
    assert held(others[0]) == (State.QUEUED, Reason.GATE_PAUSED, True, 0)
    assert (job.state, [attempt.is_probe for attempt in job.attempts]) == (State.PROCESSING, [True])
    assert world.jobs.read_gate().pause is None


def test_of_two_concurrent_jobs_after_a_pause_one_makes_the_call() -> None:
    """The conditional write of the gate decides, before either is admitted."""
    hook = Hook()
    world = sealed(World(step=hook))
    ended_pause(world)
    world.evolink.create_rule = answering(OutcomeUnknown(message="ReadTimeout"))
    hook.once_at("gate.write", lambda: world.arrives("quick.jpg"))
    slow = world.arrives("slow.jpg")
    assert held(slow) == (State.QUEUED, Reason.GATE_PAUSED, True, 0)
    assert len(world.evolink.posts) == 1


def test_an_open_gate_is_not_written_and_its_calls_are_no_probes() -> None:
    """Otherwise all admissions would contend for one item."""
    hook = Hook()
    world = sealed(World(step=hook))
    hook.seen.clear()
    job = world.arrives()
    assert [attempt.is_probe for attempt in job.attempts] == [False]
    assert "gate.write" not in hook.seen
