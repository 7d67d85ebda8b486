"""Admission: one transaction records the attempt, takes the slot and owns the photo's record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.gate.gate import Gate, Limits, Pause, PauseReason
from cutout.domain.gate.shards import holder
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord
from cutout.domain.object_keys import kept_key
from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State, Transport
from cutout.usecases.shared.admission import change_gate
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import MODEL, PRICE, answering
from tests.support.fakes.world import LIMITS, TIMING, World, png
from tests.support.hooks import Hook
from tests.support.reusing import finish, reusing

MINUTE = timedelta(minutes=1)
SEAL = Pause(reason=PauseReason.NEWER_VERSION, since=START, until=None)
STEPS = ("gate.", "backlog.", "bodies.", "purchases.", "jobs.save", "files.", "evolink.create")


def registered(world: World, key: str = "a.jpg", lane: Lane = Lane.LIVE) -> Job:
    """The job of an upload that Submit has not advanced."""
    job = world.registered(world.uploads.add(key, png(salt=len(world.jobs.jobs))), lane=lane)
    assert job is not None
    return job


def taken(hook: Hook) -> list[str]:
    """The steps that touch gate, record, body, job or provider, in their order."""
    return [step for step in hook.seen if step.startswith(STEPS)]


def sealed(world: World) -> World:
    """The world after some job was admitted before."""
    change_gate(world.jobs, lambda gate: gate.sealed(START))
    return world


def held(job: Job) -> tuple[State, Reason | None, bool, int]:
    """How a job waits, and how many attempts it has."""
    return job.state, job.reason, job.is_waiting, len(job.attempts)


def test_a_job_that_comes_for_the_first_time_is_admitted_by_one_transaction() -> None:
    """Its photo's record is written without a read, and the gate is only read."""
    hook = Hook()
    world = sealed(reusing(hook))
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
    (record,) = world.bought.items.values()
    assert record == DedupRecord(picture=record.picture, owner=job.id, version=0)
    assert world.jobs.shards[0].holders == {holder(job.id, 1, START)}
    assert world.jobs.shards[0].spent == {START.date(): PRICE}


def test_a_slot_that_another_job_takes_first_is_not_taken_twice() -> None:
    """The transaction fails as a whole: no attempt, no charge, no record, no call."""
    hook = Hook()
    world = sealed(World(reuse=True, step=hook, limits=replace(LIMITS, max_in_flight=1)))
    hook.once_at("jobs.save", lambda: world.occupy(1))
    job = world.arrives()
    assert held(job) == (State.QUEUED, Reason.GATE_FULL, True, 0)
    assert (world.jobs.read_gate().in_flight, world.evolink.posts) == (1, [])
    assert (world.bought.items, world.jobs.shards[0].spent) == ({}, {})


def test_a_job_that_loses_a_slot_takes_another_one() -> None:
    """The gate is read again at once."""
    hook = Hook()
    world = sealed(World(step=hook))
    hook.once_at("jobs.save", lambda: world.occupy(2))
    job = world.arrives()
    assert (job.state, len(job.attempts)) == (State.PROCESSING, 1)
    assert world.jobs.read_gate().in_flight == 3


def test_credits_that_another_job_spends_first_are_not_spent_twice() -> None:
    """The cap holds for jobs that are admitted at the same moment, too."""
    hook = Hook()
    cap = Limits(max_in_flight=3, daily_credit_cap=PRICE)
    world = sealed(World(step=hook, limits=cap))
    hook.once_at("jobs.save", lambda: world.occupy(1, spent=PRICE))
    job = world.arrives()
    assert held(job) == (State.QUEUED, Reason.DAILY_CAP, True, 0)
    assert (world.jobs.shards[0].spent, world.evolink.posts) == ({START.date(): PRICE}, [])


@pytest.mark.parametrize("count", [19, 20, 21])
def test_slots_in_several_shards_are_all_used_and_no_more(count: int) -> None:
    """Twenty slots are divided over three shards."""
    limits = Limits(max_in_flight=20, daily_credit_cap=Decimal(5000))
    world = World(limits=limits)
    jobs = [world.arrives(f"{number}.jpg", png(salt=number)) for number in range(count)]
    held_slots = [len(shard.holders) for _, shard in sorted(world.jobs.shards.items())]
    assert (limits.shards, sum(held_slots)) == (3, min(20, count))
    assert max(held_slots) <= 7
    assert sum(job.state is State.PROCESSING for job in jobs) == min(20, count)


# Reuse


def photo_hash(world: World) -> str:
    """The SHA-256 of the only photo."""
    (record,) = world.bought.items.values()
    return record.picture.partition("#")[0]


def test_a_job_whose_photo_was_bought_learns_it_from_the_lost_transaction() -> None:
    """No read before, no slot, no charge: the record comes back with the refusal."""
    hook = Hook()
    world = reusing(hook)
    first = world.arrives("a.jpg")
    finish(world, first)
    shards = dict(world.jobs.shards)
    hook.seen.clear()
    job = world.arrives("b.jpg")
    assert (job.state, job.attempts) == (State.STORING, ())
    assert job.reused is not None
    assert (job.reused.job_id, job.reused.key) == (first.id, kept_key(photo_hash(world), MODEL))
    assert "purchases.find" not in hook.seen
    assert (world.jobs.shards, len(world.evolink.posts)) == (shards, 1)


def test_a_job_that_lost_by_a_record_does_not_read_it_again() -> None:
    """It came back with the refusal, and says that the job may make the call; then others came."""
    hook = Hook()
    world = reusing(hook)
    first = world.arrives("a.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    world.wake(first)
    hook.seen.clear()
    hook.once_at("jobs.save", lambda: hook.once_at("gate.read", lambda: world.occupy(3)))
    job = world.arrives("b.jpg")
    assert held(job) == (State.QUEUED, Reason.GATE_FULL, True, 0)
    assert "purchases.find" not in hook.seen


def test_a_job_whose_photo_is_being_bought_waits_for_its_owner() -> None:
    """The owner enqueues it; a due time is the fallback. It takes no slot and is not charged."""
    world = reusing()
    world.arrives("a.jpg")
    job = world.arrives("b.jpg")
    assert held(job) == (State.QUEUED, Reason.SAME_PICTURE, False, 0)
    assert job.due_at == START + TIMING.poll_interval
    (record,) = world.bought.items.values()
    assert record.waiting == (job.id,)
    assert (world.jobs.read_gate().in_flight, len(world.evolink.posts)) == (1, 1)


def test_a_job_that_would_wait_for_a_result_that_comes_meanwhile_uses_it() -> None:
    """The record has moved when the job is listed: it decides again, or it would not be woken."""
    hook = Hook()
    world = reusing(hook)
    first = world.arrives("a.jpg")
    hook.once_at("purchases.save", lambda: finish(world, first))
    job = world.arrives("b.jpg")
    assert (job.state, job.reused is not None) == (State.STORING, True)
    assert len(world.evolink.posts) == 1


def test_a_job_whose_photos_record_expires_meanwhile_makes_the_call() -> None:
    """The lost transaction returns no record, and the next one writes a new one."""
    hook = Hook()
    world = reusing(hook)
    first = world.arrives("a.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    second = world.arrives("b.jpg")
    world.wake(first)
    hook.once_at("jobs.save", world.bought.items.clear)
    world.submit.advance(world.job(second))
    assert world.job(second).state is State.PROCESSING
    (record,) = world.bought.items.values()
    assert (record.owner, record.version) == (second.id, 0)


@pytest.mark.parametrize(
    ("transport", "steps"),
    [
        (Transport.FILES, ["purchases.find", "files.upload", "jobs.save", "jobs.save done"]),
        (Transport.PRESIGNED, ["jobs.save", "jobs.save done"]),
    ],
)
def test_the_record_is_read_before_a_photo_is_uploaded_to_the_provider(
    transport: Transport, steps: list[str]
) -> None:
    """An upload for nothing costs seconds; a link costs nothing, so there no read is made."""
    hook = Hook()
    world = sealed(World(reuse=True, step=hook, transport=transport))
    job = registered(world)
    hook.seen.clear()
    before: list[str] = []
    hook.once_at("jobs.save done", lambda: before.extend(hook.seen))
    world.submit.advance(job)
    kinds = ("purchases", "files", "jobs.save")
    assert [step for step in before if step.startswith(kinds)] == steps


def test_a_photo_whose_call_is_being_made_is_not_uploaded_to_the_provider_again() -> None:
    """The record says so before."""
    hook = Hook()
    world = World(reuse=True, step=hook, transport=Transport.FILES)
    world.arrives("a.jpg")
    assert world.arrives("b.jpg").reason is Reason.SAME_PICTURE
    assert hook.seen.count("files.upload") == 1


@pytest.mark.parametrize("is_full", [True, False])
def test_a_job_that_comes_again_reads_the_record_first_and_once(
    is_full: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """It has waited, so its photo may have been bought meanwhile: a transaction costs more."""
    hook = Hook()
    world = reusing(hook)
    world.occupy(3)
    job = world.arrives()
    if not is_full:
        world.jobs.shards.clear()
    hook.seen.clear()
    world.submit.advance(job)
    assert world.job(job).is_waiting == is_full
    assert hook.seen.count("purchases.find") == 1
    read = hook.seen.index("purchases.find")
    assert "jobs.save" not in hook.seen[:read]


# Waiting at the gate


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
    kept, text = world.submit.admit_job.admit(world.submit.precheck.checked(job))
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


def test_what_raised_limits_admitted_counts_when_they_are_lowered_before_sweep_ran() -> None:
    """A deployment is rolled back within a minute: its shards hold slots and credits all the same.

    Only the first admission writes the gate for it.
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
        (Gate(version=7, carried_in_flight=1), None),
        (
            Gate(version=7, seal=Pause(reason=PauseReason.OPERATOR, since=START, until=None)),
            PauseReason.OPERATOR,
        ),
    ],
)
def test_the_first_admission_pauses_the_gate_for_earlier_versions(
    old: Gate | None, paused_by: PauseReason | None
) -> None:
    """They see the pause where they look for it; a pause that they made holds for this version."""
    world = World()
    world.jobs.gate = old
    job = world.arrives()
    gate = world.jobs.read_gate()
    assert gate.seal == SEAL
    assert (gate.pause.reason if gate.pause else None) == paused_by
    assert job.state is (State.QUEUED if paused_by else State.PROCESSING)


def test_what_an_earlier_version_has_in_flight_and_has_spent_counts() -> None:
    """It holds one of three slots, and has left the day's credits for two photos."""
    world = World()
    cap = LIMITS.daily_credit_cap
    world.jobs.gate = Gate(
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
    """It has admitted a job in the moment before it was paused."""
    hook = Hook()
    world = World(step=hook, limits=replace(LIMITS, max_in_flight=1))
    world.jobs.gate = Gate(version=7)

    def admits() -> None:
        world.jobs.gate = Gate(version=8, carried_in_flight=1)

    hook.once_at("gate.write", admits)
    assert held(world.arrives()) == (State.QUEUED, Reason.GATE_FULL, True, 0)


# Bodies


def test_each_worker_that_prepares_an_attempt_stores_its_own_text() -> None:
    """The links differ, so the texts do: the repeat sends what the admitted worker has sent."""
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
