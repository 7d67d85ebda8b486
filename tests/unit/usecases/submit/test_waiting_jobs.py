"""Behind the gate: limits hold, nobody starves, and waiting costs nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.gate.gate import Limits, PauseReason
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
    """So many photos, a second apart."""
    jobs = []
    for number in range(count):
        jobs.append(world.arrives(f"{number:04}.jpg", png(salt=number)))
        world.clock.advance(SECOND)
    return jobs


def running(world: World) -> list[Job]:
    """The jobs whose task runs, in the order they were admitted."""
    in_flight = [job for job in world.jobs.jobs.values() if job.state is State.PROCESSING]
    return sorted(in_flight, key=lambda job: (job.attempts[-1].started_at, job.created_at))


def finish(world: World, job: Job) -> None:
    """The job's task ends well, its callback comes, and the job that is woken is submitted."""
    world.evolink.complete(world.task_of(job))
    world.wake(job)
    world.settles()


def admitted(world: World) -> list[str]:
    """Job ids in the order in which they were paid for."""
    return [charge.key.split("-")[1] for charge in world.evolink.charges]


def test_no_more_tasks_run_than_the_limit_says() -> None:
    """The others wait in the table: no due time, no message, no attempt."""
    world = World()
    jobs = arrive(world, 5)
    assert [job.state for job in jobs] == [State.PROCESSING] * 3 + [State.QUEUED] * 2
    assert [job.reason for job in jobs[3:]] == [Reason.GATE_FULL, Reason.GATE_FULL]
    for job in jobs[3:]:
        assert (job.is_waiting, job.due_at, job.attempts) == (True, None, ())
    assert (world.submissions.job_ids, world.callbacks.wakes) == ([], [])


def test_who_waits_was_checked_before() -> None:
    """What is no photo is rejected at once, not after hours behind the gate."""
    world = World()
    arrive(world, 3)
    assert world.arrives("text.jpg", b"not a photo").state is State.REJECTED


def test_no_more_credits_are_spent_a_day_than_the_cap_says() -> None:
    """At midnight UTC, and not before, the next photo passes."""
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


def test_a_freed_slot_wakes_the_oldest_that_waits() -> None:
    """At once, not at the next sweep."""
    world = World()
    jobs = arrive(world, 6)
    for turn in range(3):
        world.evolink.complete(world.task_of(jobs[turn]))
        world.wake(jobs[turn])
        assert world.submissions.job_ids == [jobs[3 + turn].id]
        world.settles()
    assert admitted(world) == [job.id for job in jobs]


@pytest.mark.parametrize("code", ["content_policy_violation", "service_error"])
def test_every_way_a_task_can_end_frees_its_slot(code: str) -> None:
    """Also one that failed, for good or until its next attempt."""
    world = World()
    jobs = arrive(world, 4)
    world.evolink.fail(world.task_of(jobs[1]), code)
    world.wake(jobs[1])
    world.settles()
    assert world.job(jobs[3]).state is State.PROCESSING
    assert world.jobs.read_gate().in_flight == 3


def test_who_arrives_later_does_not_overtake_who_waits() -> None:
    """There is room again, but the new photo queues up behind the others."""
    world = World()
    jobs = arrive(world, 4)
    world.evolink.complete(world.task_of(jobs[0]))
    world.wake(jobs[0])
    late = world.arrives("late.jpg")
    assert (late.state, late.reason) == (State.QUEUED, Reason.BEHIND_OTHERS)
    world.settles()
    assert admitted(world)[3:] == [jobs[3].id]


def backfilled(world: World, key: str) -> Job:
    """A photo that was there before the product was, behind the gate."""
    source = world.uploads.add(key, png())
    world.clock.advance(SECOND)
    now = world.clock.now()
    begun = Job.begin(source, now=now, due_at=now)
    return world.jobs.claim(replace(begun, lane=Lane.BACKFILL, is_waiting=True, due_at=None))


def test_live_photos_go_before_backfilled_ones() -> None:
    """However much older the backfilled ones are; among themselves, the oldest first."""
    world = World(limits=replace(LIMITS, max_in_flight=1))
    first = world.arrives("first.jpg")
    old = [backfilled(world, f"old/{number}.jpg") for number in range(2)]
    world.clock.advance(HOUR)
    live = arrive(world, 2)
    for _ in range(4):
        finish(world, running(world)[0])
        world.clock.advance(SECOND)
    assert admitted(world) == [job.id for job in (first, *live, *old)]


def test_nobody_starves_among_two_hundred_photos_behind_a_gate_of_three() -> None:
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
    """No message and no write for a hundred waiting photos in five hours, whatever holds them."""
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


def test_a_gate_that_opens_wakes_no_more_than_it_has_room_for() -> None:
    """One hundred wait and three are woken, not one hundred."""
    world = World()
    world.operate.pause()
    jobs = arrive(world, 100)
    world.operate.resume()
    assert world.submissions.job_ids == [job.id for job in jobs[:3]]


def test_slots_that_are_freed_faster_than_anybody_is_admitted_cause_no_flood() -> None:
    """Each enqueues one job at most, however many slots are free, and every slot is taken."""
    world = World(limits=replace(LIMITS, max_in_flight=20))
    jobs = arrive(world, 40)
    for job in jobs[:20]:
        world.evolink.complete(world.task_of(job))
        world.wake(job)
    assert len(world.submissions.job_ids) == 20
    world.arrives("late.jpg")
    assert len(world.submissions.job_ids) == 20
    world.settles()
    assert [job.id for job in running(world)] == [job.id for job in jobs[20:]]


def test_who_is_woken_and_finds_the_gate_full_stays_where_it_was() -> None:
    """Without a write, and without another message."""
    world = World()
    jobs = arrive(world, 4)
    writes = len(world.jobs.writes)
    assert world.advance(jobs[3]) == jobs[3]
    assert (len(world.jobs.writes), world.submissions.job_ids) == (writes, [])


def test_a_slot_that_two_workers_want_goes_to_one() -> None:
    """The gate's conditional write decides; the loser reads it again and waits."""
    hook = Hook()
    world = World(step=hook, limits=replace(LIMITS, max_in_flight=1))
    hook.once_at("jobs.save", lambda: world.arrives("quick.jpg"))
    slow = world.arrives("slow.jpg")
    assert (slow.state, slow.reason) == (State.QUEUED, Reason.GATE_FULL)
    assert (len(world.evolink.posts), world.jobs.read_gate().in_flight) == (1, 1)


def test_limits_can_be_changed_while_tasks_run() -> None:
    """Wider: who waits is woken at once. Narrower: nobody follows until enough have ended."""
    world = World()
    jobs = arrive(world, 6)
    world.operate.set_limits(max_in_flight=5)
    world.settles()
    assert len(running(world)) == 5
    world.operate.set_limits(max_in_flight=1)
    for job in jobs[:4]:
        finish(world, job)
    assert running(world) == [world.job(jobs[4])]
    finish(world, jobs[4])
    assert running(world) == [world.job(jobs[5])]


def test_a_message_that_got_lost_is_made_good_by_sweep() -> None:
    """The slot was free and its wake-up vanished: within a minute the oldest gets in."""
    world = World()
    jobs = arrive(world, 4)
    world.evolink.complete(world.task_of(jobs[0]))
    world.wake(jobs[0])
    world.submissions.job_ids.clear()
    world.passes(MINUTE)
    assert world.job(jobs[3]).state is State.PROCESSING


def test_a_wake_for_who_has_gone_in_already_lets_the_next_in_line_in() -> None:
    """Two slots are free and both wakes name the same photo: no slot waits for Sweep."""
    world = World(limits=replace(LIMITS, max_in_flight=2))
    jobs = arrive(world, 4)
    for job in jobs[:2]:
        world.evolink.complete(world.task_of(job))
        world.wake(job)
    world.submissions.job_ids = [jobs[2].id, jobs[2].id]
    world.settles()
    assert [job.id for job in running(world)] == [job.id for job in jobs[2:]]


@pytest.mark.parametrize("reuse", [True, False])
def test_a_folder_that_is_deleted_while_it_waits_does_not_hold_up_the_line(
    reuse: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A job that ends without a slot enqueues the next one: none of them waits for Sweep.

    A hundred deleted photos stand before one that is wanted.
    """
    world = World(reuse=reuse, limits=replace(LIMITS, max_in_flight=1))
    first, *deleted, wanted = arrive(world, 102)
    for job in deleted:
        world.arrive.deleted(world.uploads.remove(job.source.key))
    finish(world, first)
    assert {world.job(job).state for job in deleted} == {State.SUPERSEDED}
    assert (world.job(wanted).state, world.submissions.job_ids) == (State.PROCESSING, [])


def test_a_hand_over_that_fails_does_not_send_the_whole_line_into_it() -> None:
    """The Files API is down: one photo finds that out, not ten thousand."""
    world = World(transport=Transport.FILES, limits=replace(LIMITS, max_in_flight=1))
    first, *others = arrive(world, 20)
    world.files.answers += [NotSent(message="ConnectError")] * 20
    finish(world, first)
    tried = [job for job in others if world.job(job).reason is Reason.BACKING_OFF]
    assert 1 <= len(tried) <= 2


def test_an_upload_that_finds_a_free_slot_while_others_wait_lets_the_oldest_in() -> None:
    """The message for the freed slot may be far behind in the queue."""
    world = World()
    inside = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(3)]
    first = world.arrives("first.jpg", png(salt=8))
    world.evolink.complete(world.task_of(inside[0]))
    world.wake(inside[0])
    world.submissions.job_ids.clear()
    second = world.arrives("second.jpg", png(salt=9))
    assert (second.reason, second.is_waiting) == (Reason.BEHIND_OTHERS, True)
    assert world.job(first).state is State.PROCESSING
    assert world.submissions.job_ids == []


def test_a_waiting_job_says_what_it_waits_for_now() -> None:
    """It waited for a slot, and then the gate was paused."""
    world = World()
    waiting = arrive(world, 4)[-1]
    assert waiting.reason is Reason.GATE_FULL
    world.operate.pause()
    world.submit.advance(waiting)
    assert world.job(waiting).reason is Reason.GATE_PAUSED


def test_an_index_that_still_shows_an_expired_row_stops_nobody() -> None:
    """The row is read before anything is done with it."""
    world = World()
    waiting = arrive(world, 4)[-1]
    del world.jobs.jobs[waiting.id]
    assert world.jobs.waiting(1) == [waiting.id]
    assert list(world.submit.waiting()) == []
