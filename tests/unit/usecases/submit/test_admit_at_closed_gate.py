"""A job that finds no free slot waits, and says why; one that need not wait goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.gate.gate import Limits, Pause, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State, Transport
from cutout.usecases.shared.change_gate import change_gate
from tests.support.admitting import held, registered, sealed
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE, answering
from tests.support.fakes.world import LIMITS, TIMING, World
from tests.support.hooks import Hook
from tests.support.reusing import finish, reusing

MINUTE = timedelta(minutes=1)


def paused(world: World) -> None:
    """A person has paused the gate."""
    change_gate(world.jobs, lambda gate: gate.pausing(PauseReason.OPERATOR, START, None))


def too_dear(world: World) -> None:
    """One photo costs more than the cap, and so does even the usual price."""
    limits = Limits(max_in_flight=3, daily_credit_cap=PRICE / 2)
    change_gate(world.jobs, lambda gate: gate.priced(Decimal(7)).limited(limits))


def behind_others(world: World) -> None:
    """Another upload waits, which finds its photo gone."""
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
def test_a_job_that_finds_no_free_slot_says_why_it_waits(
    why: object,
    reason: Reason,
    reuse: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """It waits without a due time, and nothing was handed over, recorded or charged for it."""
    hook = Hook()
    world = sealed(World(reuse=reuse, step=hook))
    why(world)  # type: ignore[operator]
    job = registered(world)
    kept, text = world.submit.admit_job.admit(world.submit.checked(job))
    assert held(kept) == (State.QUEUED, reason, True, 0)
    assert (text, kept.due_at, world.job(job)) == (None, None, kept)
    assert (world.jobs.bodies, world.links.signed_at, world.bought.items) == ({}, {}, {})


def test_the_gate_notes_that_jobs_wait_until_none_does() -> None:
    """So that nobody looks for them while none waits; a job that waits unnoticed is noted later."""
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


def test_a_job_whose_note_is_lost_to_another_write_of_the_gate_decides_again() -> None:
    """A person raised the limits meanwhile: there is a free slot by now."""
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
    """They come after live uploads, so they do not wait for the same slot."""
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
    """That needs no slot: the record is read before the job waits."""
    world = reusing()
    finish(world, world.arrives("a.jpg"))
    paused(world)
    assert world.arrives("b.jpg").state is State.STORING


def test_a_call_that_the_provider_would_refuse_is_not_prepared() -> None:
    """A key that cannot be sent: the gate is paused, and the photo is not handed over."""
    world = World(transport=Transport.FILES)
    world.evolink.unready = refusal(status=401, code="invalid_key", message="not printable")
    job = world.arrives()
    assert held(job) == (State.QUEUED, Reason.GATE_PAUSED, True, 0)
    pause = world.jobs.read_gate().pause
    assert (pause.reason if pause else None) is PauseReason.KEY_REFUSED
    assert (world.files.copies, world.jobs.bodies, world.evolink.posts) == ({}, {}, [])


def handing_over_takes(seconds: int) -> tuple[World, Hook]:
    """The next upload to the provider's store takes so long."""
    hook = Hook()
    world = sealed(World(step=hook, transport=Transport.FILES))
    hook.once_at("files.upload", lambda: world.clock.advance(timedelta(seconds=seconds)))
    hook.seen.clear()
    return world, hook


@pytest.mark.parametrize(("seconds", "reads"), [(5, 1), (6, 2)])
def test_a_gate_that_was_read_long_before_is_read_again(seconds: int, reads: int) -> None:
    """After a slow hand-over; the photo is not handed over again for that."""
    world, hook = handing_over_takes(seconds)
    job = world.arrives()
    assert (job.state, len(world.evolink.posts)) == (State.PROCESSING, 1)
    assert (hook.seen.count("gate.read"), hook.seen.count("files.upload")) == (reads, 1)


def test_a_pause_that_begins_while_a_photo_is_handed_over_holds_its_call() -> None:
    """No transaction checks the pause, so the gate that was read may be seconds old, not more."""
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
    """A pause that has just ended."""
    reason = PauseReason.OUT_OF_CREDITS
    change_gate(world.jobs, lambda gate: gate.pausing(reason, START - MINUTE, START))


def test_after_a_pause_one_call_is_made_and_the_others_wait_for_its_outcome() -> None:
    """The pause goes on for a lease from before the slot is taken; success ends it."""
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


def test_of_two_jobs_that_come_at_once_after_a_pause_one_makes_the_call() -> None:
    """The write of the gate decides, before anything is admitted."""
    hook = Hook()
    world = sealed(World(step=hook))
    ended_pause(world)
    world.evolink.create_rule = answering(OutcomeUnknown(message="ReadTimeout"))
    hook.once_at("gate.write", lambda: world.arrives("quick.jpg"))
    slow = world.arrives("slow.jpg")
    assert held(slow) == (State.QUEUED, Reason.GATE_PAUSED, True, 0)
    assert len(world.evolink.posts) == 1


def test_an_open_gate_is_not_written_and_its_calls_are_no_probes() -> None:
    """The item would be the one that all admissions write."""
    hook = Hook()
    world = sealed(World(step=hook))
    hook.seen.clear()
    job = world.arrives()
    assert [attempt.is_probe for attempt in job.attempts] == [False]
    assert "gate.write" not in hook.seen
