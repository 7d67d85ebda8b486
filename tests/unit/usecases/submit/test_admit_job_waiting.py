"""Waiting at the gate: limits hold, no job starves, and waiting costs nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.gate.gate import Limits
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import NotSent
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State, Transport
from cutout.usecases.shared.change_gate import change_gate
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import LIMITS, World, png
from tests.support.hooks import Hook

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def arrive(world: World, count: int) -> list[Job]:
    """Upload this many photos, a second apart."""
    jobs = []
    for number in range(count):
        jobs.append(world.arrives(f"{number:04}.jpg", png(salt=number)))
        world.clock.advance(SECOND)
    return jobs


def running(world: World) -> list[Job]:
    """The jobs whose task runs, in the order of their admission."""
    in_flight = [job for job in world.jobs.jobs.values() if job.state is State.PROCESSING]
    return sorted(in_flight, key=lambda job: (job.attempts[-1].started_at, job.created_at))


def finish(world: World, job: Job) -> None:
    """Complete the job's task, deliver its callback, and deliver all messages."""
    world.evolink.complete(world.task_of(job))
    world.check_task(job)
    world.deliver_all()


def admitted(world: World) -> list[str]:
    """Job ids in the order of their payment."""
    return [charge.key.split("-")[1] for charge in world.evolink.charges]


def test_no_more_tasks_run_than_the_limit_allows() -> None:
    """The other jobs wait in the table: no due time, no message, no attempt."""
    world = World()
    jobs = arrive(world, 5)
    assert [job.state for job in jobs] == [State.PROCESSING] * 3 + [State.QUEUED] * 2
    assert [job.reason for job in jobs[3:]] == [Reason.GATE_FULL, Reason.GATE_FULL]
    for job in jobs[3:]:
        assert (job.is_waiting, job.due_at, job.attempts) == (True, None, ())
    assert (world.submissions.job_ids, world.callbacks.checks) == ([], [])


def test_a_photo_is_checked_before_its_job_waits() -> None:
    """A file that is no photo is rejected at once, not after hours at the gate."""
    world = World()
    arrive(world, 3)
    assert world.arrives("text.jpg", b"not a photo").state is State.REJECTED


def test_no_more_credits_are_spent_a_day_than_the_cap_allows() -> None:
    """At midnight UTC, and not before, the next job is admitted."""
    cap = Limits(max_in_flight=3, daily_credit_cap=2 * PRICE)
    world = World(limits=cap)
    jobs = arrive(world, 3)
    finish(world, jobs[0])
    assert (world.job(jobs[2]).state, world.job(jobs[2]).reason) == (
        State.QUEUED,
        Reason.DAILY_CAP,
    )
    world.passes(timedelta(hours=11, minutes=58))
    assert world.job(jobs[2]).state is State.QUEUED
    world.passes(2 * MINUTE)
    assert world.job(jobs[2]).state is State.PROCESSING
    assert [charge.at.day for charge in world.evolink.charges] == [1, 1, 2]


def test_a_freed_slot_enqueues_the_oldest_waiting_job() -> None:
    """At once, not at the next sweep."""
    world = World()
    jobs = arrive(world, 6)
    for turn in range(3):
        world.evolink.complete(world.task_of(jobs[turn]))
        world.check_task(jobs[turn])
        assert world.submissions.job_ids == [jobs[3 + turn].id]
        world.deliver_all()
    assert admitted(world) == [job.id for job in jobs]


@pytest.mark.parametrize("code", ["content_policy_violation", "service_error"])
def test_a_failed_task_frees_its_slot(code: str) -> None:
    """Whether the job fails or makes another attempt."""
    world = World()
    jobs = arrive(world, 4)
    world.evolink.fail(world.task_of(jobs[1]), code)
    world.check_task(jobs[1])
    world.deliver_all()
    assert world.job(jobs[3]).state is State.PROCESSING
    assert world.jobs.read_gate().in_flight == 3


def test_a_new_job_does_not_overtake_waiting_jobs() -> None:
    """There is a free slot again, but the new job waits behind the others."""
    world = World()
    jobs = arrive(world, 4)
    world.evolink.complete(world.task_of(jobs[0]))
    world.check_task(jobs[0])
    late = world.arrives("late.jpg")
    assert (late.state, late.reason) == (State.QUEUED, Reason.BEHIND_OTHERS)
    world.deliver_all()
    assert admitted(world)[3:] == [jobs[3].id]


def backfilled(world: World, key: str) -> Job:
    """A waiting job of the backfill lane."""
    source = world.uploads.add(key, png())
    world.clock.advance(SECOND)
    now = world.clock.now()
    begun = Job.begin(source, now=now, due_at=now)
    return world.jobs.claim(replace(begun, lane=Lane.BACKFILL, is_waiting=True, due_at=None))


def test_live_jobs_are_admitted_before_backfilled_ones() -> None:
    """However much older the backfilled ones are; within a lane, the oldest first."""
    world = World(limits=replace(LIMITS, max_in_flight=1))
    first = world.arrives("first.jpg")
    old = [backfilled(world, f"old/{number}.jpg") for number in range(2)]
    world.clock.advance(HOUR)
    live = arrive(world, 2)
    for _ in range(4):
        finish(world, running(world)[0])
        world.clock.advance(SECOND)
    assert admitted(world) == [job.id for job in (first, *live, *old)]


def test_all_of_two_hundred_photos_pass_a_gate_of_three_slots() -> None:
    """In the order of their arrival, never more than three at once, each paid once."""
    world = World()
    jobs = arrive(world, 200)
    peak = 0
    while current := running(world):
        peak = max(peak, len(current))
        finish(world, current[-1])
        world.clock.advance(SECOND)
    assert {world.job(job).state for job in jobs} == {State.COMPLETED}
    assert (peak, admitted(world)) == (3, [job.id for job in jobs])
    assert world.jobs.read_gate().in_flight == 0


@pytest.mark.parametrize("is_paused", [False, True], ids=["full", "paused"])
def test_a_backlog_costs_nothing_while_it_waits(
    is_paused: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """No message and no write for a hundred waiting jobs in five hours, whatever blocks them."""
    hook = Hook()
    world = World(step=hook)
    if is_paused:
        now = world.clock.now()
        change_gate(world.jobs, lambda gate: gate.pausing(PauseReason.OPERATOR, now, None))
    jobs = arrive(world, 100)
    waiting = [job for job in jobs if world.job(job).is_waiting]
    assert len(waiting) == (100 if is_paused else 97)
    writes = len(world.jobs.writes)
    hook.seen.clear()
    world.passes(5 * HOUR)
    written = {job.id for job in world.jobs.writes[writes:]}
    assert written.isdisjoint({job.id for job in waiting})
    assert hook.seen.count("submissions.enqueue") / len(waiting) / 5 == 0


def test_an_opened_gate_enqueues_as_many_jobs_as_slots_are_free() -> None:
    """A hundred wait, and three are enqueued."""
    world = World()
    world.operate.pause()
    jobs = arrive(world, 100)
    world.operate.resume()
    assert world.submissions.job_ids == [job.id for job in jobs[:3]]


def test_slots_freed_faster_than_jobs_are_admitted_cause_no_flood_of_messages() -> None:
    """Each enqueues one job at most, however many slots are free, and every slot is taken."""
    world = World(limits=replace(LIMITS, max_in_flight=20))
    jobs = arrive(world, 40)
    for job in jobs[:20]:
        world.evolink.complete(world.task_of(job))
        world.check_task(job)
    assert len(world.submissions.job_ids) == 20
    world.arrives("late.jpg")
    assert len(world.submissions.job_ids) == 20
    world.deliver_all()
    assert [job.id for job in running(world)] == [job.id for job in jobs[20:]]


def test_a_waiting_job_enqueued_while_the_gate_is_full_stays_unchanged() -> None:
    """Without a write, and without another message."""
    world = World()
    jobs = arrive(world, 4)
    writes = len(world.jobs.writes)
    assert world.advance(jobs[3]) == jobs[3]
    assert (len(world.jobs.writes), world.submissions.job_ids) == (writes, [])


def test_of_two_workers_that_want_a_slot_one_gets_it() -> None:
    """The conditional write decides; the loser reads the gate again and waits."""
    hook = Hook()
    world = World(step=hook, limits=replace(LIMITS, max_in_flight=1))
    hook.once_at("jobs.save", lambda: world.arrives("quick.jpg"))
    slow = world.arrives("slow.jpg")
    assert (slow.state, slow.reason) == (State.QUEUED, Reason.GATE_FULL)
    assert (len(world.evolink.posts), world.jobs.read_gate().in_flight) == (1, 1)


def test_limits_can_be_changed_while_tasks_run() -> None:
    """Raised limits enqueue waiting jobs at once; lowered ones admit none until enough ended."""
    world = World()
    jobs = arrive(world, 6)
    world.operate.set_limits(max_in_flight=5)
    world.deliver_all()
    assert len(running(world)) == 5
    world.operate.set_limits(max_in_flight=1)
    for job in jobs[:4]:
        finish(world, job)
    assert running(world) == [world.job(jobs[4])]
    finish(world, jobs[4])
    assert running(world) == [world.job(jobs[5])]


def test_a_lost_message_is_replaced_by_sweep() -> None:
    """A slot is free and its message is lost: within a minute the oldest job is admitted."""
    world = World()
    jobs = arrive(world, 4)
    world.evolink.complete(world.task_of(jobs[0]))
    world.check_task(jobs[0])
    world.submissions.job_ids.clear()
    world.passes(MINUTE)
    assert world.job(jobs[3]).state is State.PROCESSING


def test_a_message_for_an_admitted_job_advances_the_next_waiting_one() -> None:
    """Two slots are free and both messages name the same job: no slot waits for Sweep."""
    world = World(limits=replace(LIMITS, max_in_flight=2))
    jobs = arrive(world, 4)
    for job in jobs[:2]:
        world.evolink.complete(world.task_of(job))
        world.check_task(job)
    world.submissions.job_ids = [jobs[2].id, jobs[2].id]
    world.deliver_all()
    assert [job.id for job in running(world)] == [job.id for job in jobs[2:]]


@pytest.mark.parametrize("reuse", [True, False])
def test_waiting_jobs_whose_photos_were_deleted_do_not_delay_the_others(
    reuse: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A job that ends without a slot advances the next one: none of them waits for Sweep.

    A hundred deleted photos are ahead of the wanted one.
    """
    world = World(reuse=reuse, limits=replace(LIMITS, max_in_flight=1))
    first, *deleted, wanted = arrive(world, 102)
    for job in deleted:
        world.register_upload.deleted(world.uploads.remove(job.source.key))
    finish(world, first)
    assert {world.job(job).state for job in deleted} == {State.SUPERSEDED}
    assert (world.job(wanted).state, world.submissions.job_ids) == (State.PROCESSING, [])


def test_a_failed_transfer_does_not_make_all_waiting_jobs_try() -> None:
    """The Files API is down: one or two jobs find that out, not ten thousand."""
    world = World(transport=Transport.FILES, limits=replace(LIMITS, max_in_flight=1))
    first, *others = arrive(world, 20)
    world.files.answers += [NotSent(message="ConnectError")] * 20
    finish(world, first)
    tried = [job for job in others if world.job(job).reason is Reason.BACKING_OFF]
    assert 1 <= len(tried) <= 2


def test_a_new_job_that_finds_a_free_slot_while_others_wait_advances_the_oldest() -> None:
    """The message for the freed slot may be far behind in the queue."""
    world = World()
    inside = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(3)]
    first = world.arrives("first.jpg", png(salt=8))
    world.evolink.complete(world.task_of(inside[0]))
    world.check_task(inside[0])
    world.submissions.job_ids.clear()
    second = world.arrives("second.jpg", png(salt=9))
    assert (second.reason, second.is_waiting) == (Reason.BEHIND_OTHERS, True)
    assert world.job(first).state is State.PROCESSING
    assert world.submissions.job_ids == []


def test_a_waiting_job_records_its_current_reason() -> None:
    """It waited for a slot, and then the gate was paused."""
    world = World()
    waiting = arrive(world, 4)[-1]
    assert waiting.reason is Reason.GATE_FULL
    world.operate.pause()
    world.submit.advance(waiting)
    assert world.job(waiting).reason is Reason.GATE_PAUSED


def test_an_index_entry_of_an_expired_job_does_no_harm() -> None:
    """The job is read before it is advanced."""
    world = World()
    waiting = arrive(world, 4)[-1]
    del world.jobs.jobs[waiting.id]
    assert world.jobs.waiting(1) == [waiting.id]
    assert list(world.submit.waiting()) == []
