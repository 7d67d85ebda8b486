"""The cost of many photos, and when they will be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.gate.gate import DEFAULT_LIMITS, Gate, Limits
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.operator.estimate import Estimate, Estimator
from tests.support.builders import a_gate, a_job, a_shard, an_attempt, new_gate
from tests.support.fakes.clock import START, FakeClock
from tests.support.fakes.jobs import MemoryJobs

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def done(number: int, seconds: int, waited: int = 500) -> Job:
    """A completed job that waited at the gate, and whose task took this long."""
    called = START + waited * SECOND
    history = (
        HistoryEntry(state=State.QUEUED, at=START),
        HistoryEntry(state=State.SUBMITTING, at=called),
        HistoryEntry(state=State.PROCESSING, at=called + SECOND),
        HistoryEntry(state=State.STORING, at=called + seconds * SECOND),
        HistoryEntry(state=State.COMPLETED, at=called + (seconds + 9) * SECOND),
    )
    return replace(
        a_job(State.COMPLETED),
        id=f"{number:032x}",
        history=history,
        attempts=(an_attempt(started_at=called),),
        updated_at=START + number * SECOND,
    )


def estimate(photos: int, gate: Gate | None = None, *jobs: Job) -> Estimate:
    """The estimate at noon."""
    clock = FakeClock()
    records = MemoryJobs(clock)
    for job in jobs:
        records.claim(job)
    return Estimator(records=records, clock=clock).estimate(photos, gate or new_gate())


def test_a_task_takes_as_long_as_the_recent_ones() -> None:
    """Neither the wait at the gate nor the steps after the task count."""
    told = estimate(9, None, done(1, 30), done(2, 50))
    assert (told.task, told.measured) == (40 * SECOND, 2)
    assert told.lasts == 9 * 40 * SECOND / 3
    assert told.credits == Decimal("48.6")


def test_only_the_last_hundred_tasks_count() -> None:
    """Older ones may differ."""
    jobs = [done(number, 1000 if number < 50 else 20) for number in range(150)]
    told = estimate(3, None, *jobs)
    assert (told.task, told.measured) == (20 * SECOND, 100)


def test_without_measured_tasks_the_providers_estimate_is_used() -> None:
    """45 seconds, with zero measured tasks."""
    told = estimate(2)
    assert (told.task, told.measured, told.limits) == (45 * SECOND, 0, DEFAULT_LIMITS)
    assert told.lasts == 45 * SECOND


@pytest.mark.parametrize(("photos", "rounds"), [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
def test_photos_take_whole_rounds(photos: int, rounds: int) -> None:
    """Three slots: the fourth photo starts when one of the first three is done."""
    assert estimate(photos, None, done(1, 40)).lasts == rounds * 40 * SECOND


def test_the_last_days_photos_take_whole_rounds_too() -> None:
    """Four a day with three slots, none today: the fifth is alone on the second day."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(20))
    gate = a_gate(price=Decimal(5), limits=limits, shards=(a_shard(spent=20, at=START),))
    assert estimate(4, gate, done(1, 100)).lasts == 12 * HOUR + 200 * SECOND
    assert estimate(5, gate, done(1, 100)).lasts == 36 * HOUR + 100 * SECOND


@pytest.mark.parametrize(
    ("photos", "today", "lasts"),
    [
        # The cap allows 10 a day; 4 are spent; it is noon; a task takes 45 s, one at a time.
        (6, 6, 6 * 45 * SECOND),
        (7, 6, 12 * HOUR + 45 * SECOND),
        (16, 6, 12 * HOUR + 10 * 45 * SECOND),
        (17, 6, 36 * HOUR + 45 * SECOND),
    ],
)
def test_the_daily_cap_spreads_photos_over_days(photos: int, today: int, lasts: timedelta) -> None:
    """Days start at midnight UTC."""
    limits = Limits(max_in_flight=1, daily_credit_cap=Decimal(54))
    gate = a_gate(limits=limits, shards=(a_shard(spent=Decimal("21.6"), at=START),))
    told = estimate(photos, gate)
    assert (told.today, told.lasts) == (today, lasts)


def test_yesterdays_spending_does_not_count() -> None:
    """Each day's count starts at zero."""
    limits = Limits(max_in_flight=1, daily_credit_cap=Decimal(54))
    gate = a_gate(limits=limits, shards=(a_shard(spent=54, at=START - 24 * HOUR),))
    assert estimate(10, gate).today == 10


def test_a_cap_below_the_price_admits_no_photo() -> None:
    """So there is no estimate of the end."""
    gate = new_gate(deployed=Limits(max_in_flight=3, daily_credit_cap=Decimal(5)))
    told = estimate(1, gate)
    assert (told.today, told.lasts) == (0, None)


def test_no_photos_take_no_time_and_free_photos_need_no_cap() -> None:
    """Whatever the state of the gate."""
    assert estimate(0).lasts == timedelta(0)
    gate = new_gate(price=Decimal(0), deployed=Limits(max_in_flight=3, daily_credit_cap=Decimal(0)))
    assert estimate(30, gate).today == 30


def test_the_last_day_takes_its_part_of_the_work() -> None:
    """Ten photos at four a day, of which two fit today: four tomorrow, four the day after."""
    limits = Limits(max_in_flight=1, daily_credit_cap=Decimal(20))
    gate = a_gate(price=Decimal(5), limits=limits, shards=(a_shard(spent=10, at=START),))
    told = estimate(10, gate, done(1, 100))
    assert told == Estimate(
        photos=10,
        credits=Decimal(50),
        lasts=12 * HOUR + 24 * HOUR + 400 * SECOND,
        task=100 * SECOND,
        measured=1,
        today=2,
        limits=limits,
    )
    assert estimate(2, gate, done(1, 100)).lasts == 200 * SECOND
    assert estimate(3, gate, done(1, 100)).lasts == 12 * HOUR + 100 * SECOND
    assert estimate(6, gate, done(1, 100)).lasts == 12 * HOUR + 400 * SECOND


def test_slow_tasks_take_longer_than_the_cap_requires() -> None:
    """The cap does not matter then."""
    limits = Limits(max_in_flight=1, daily_credit_cap=Decimal(20))
    gate = a_gate(price=Decimal(5), limits=limits, shards=(a_shard(spent=20, at=START),))
    assert estimate(8, gate, done(1, 80_000)).lasts == 640_000 * SECOND


@pytest.mark.parametrize(
    ("gate", "limits"),
    [
        (new_gate(), DEFAULT_LIMITS),
        (new_gate(deployed=Limits(max_in_flight=5, daily_credit_cap=Decimal(9))), 5),
        (
            new_gate(
                deployed=Limits(max_in_flight=5, daily_credit_cap=Decimal(9)),
                limits=Limits(max_in_flight=7, daily_credit_cap=Decimal(9)),
            ),
            7,
        ),
    ],
)
def test_the_limits_in_force_are_an_operators_or_the_deployed_ones(
    gate: Gate, limits: object
) -> None:
    """Before Sweep has stored the deployed ones, the defaults."""
    told = estimate(1, gate).limits
    assert limits in {told, told.max_in_flight}


def test_of_a_retried_photo_the_last_task_counts() -> None:
    """Reading an earlier task again takes no time."""
    later = START + 1000 * SECOND
    job = done(1, 30)
    asked = (
        *job.history[:-1],
        HistoryEntry(state=State.FAILED, at=later),
        HistoryEntry(state=State.STORING, at=later, reason=Reason.RETRIED_BY_PERSON),
        HistoryEntry(state=State.STORING, at=later + 60 * SECOND),
        HistoryEntry(state=State.COMPLETED, at=later + 90 * SECOND),
    )
    assert estimate(1, None, replace(job, history=asked)).task == 30 * SECOND
    twice = (an_attempt(started_at=START), an_attempt(2, started_at=START + 500 * SECOND))
    second = replace(job, attempts=twice)
    assert estimate(1, None, replace(second, storing_attempt=1)).task == 530 * SECOND
    assert estimate(1, None, replace(second, storing_attempt=2)).task == 30 * SECOND
    assert estimate(1, None, replace(second, storing_attempt=None)).task == 30 * SECOND
    assert estimate(1, None, replace(job, attempts=())).measured == 0


def test_a_day_ends_at_midnight_to_the_microsecond() -> None:
    """In UTC."""
    clock = FakeClock(START + timedelta(hours=1, minutes=2, seconds=3, microseconds=4))
    limits = Limits(max_in_flight=1, daily_credit_cap=Decimal(5))
    gate = a_gate(price=Decimal(5), limits=limits, shards=(a_shard(spent=5, at=START),))
    told = Estimator(records=MemoryJobs(clock), clock=clock).estimate(1, gate)
    left = timedelta(hours=10, minutes=57, seconds=56, microseconds=999_996)
    assert told.lasts == left + 45 * SECOND
