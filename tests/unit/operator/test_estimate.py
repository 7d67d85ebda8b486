"""What many photos cost, and when they will be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.gate import DEFAULT_LIMITS, Gate, Limits
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.states import State
from cutout.operator.estimate import Estimate, Estimator
from tests.support.builders import a_job, an_attempt
from tests.support.fakes.clock import START, FakeClock
from tests.support.fakes.jobs import MemoryJobs

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def done(number: int, seconds: int, waited: int = 500) -> Job:
    """A photo that waited behind the gate, and whose task took so long."""
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
    """At noon."""
    clock = FakeClock()
    records = MemoryJobs(clock)
    for job in jobs:
        records.claim(job)
    return Estimator(records=records, clock=clock).estimate(photos, gate or Gate())


def test_a_task_takes_as_long_as_the_recent_ones_did() -> None:
    """The wait behind the gate does not count, nor what came after the task."""
    told = estimate(9, None, done(1, 30), done(2, 50))
    assert (told.task, told.measured) == (40 * SECOND, 2)
    assert told.lasts == 9 * 40 * SECOND / 3
    assert told.credits == Decimal("48.6")


def test_only_the_last_hundred_count() -> None:
    """What was long ago says little."""
    jobs = [done(number, 1000 if number < 50 else 20) for number in range(150)]
    told = estimate(3, None, *jobs)
    assert (told.task, told.measured) == (20 * SECOND, 100)


def test_where_nothing_was_done_yet_the_provider_is_believed() -> None:
    """45 seconds, and it is said that this is not measured."""
    told = estimate(2)
    assert (told.task, told.measured, told.limits) == (45 * SECOND, 0, DEFAULT_LIMITS)
    assert told.lasts == 30 * SECOND


@pytest.mark.parametrize(
    ("photos", "today", "lasts"),
    [
        # The cap lets 10 through a day; 4 are spent; it is noon; a task takes 45 s, one at a time.
        (6, 6, 6 * 45 * SECOND),
        (7, 6, 12 * HOUR + 45 * SECOND),
        (16, 6, 12 * HOUR + 10 * 45 * SECOND),
        (17, 6, 36 * HOUR + 45 * SECOND),
    ],
)
def test_the_daily_cap_spreads_photos_over_days(photos: int, today: int, lasts: timedelta) -> None:
    """Counted from midnight, UTC."""
    limits = Limits(max_in_flight=1, daily_credit_cap=Decimal(54))
    gate = Gate(limits=limits, day=START.date(), spent=Decimal("21.6"))
    told = estimate(photos, gate)
    assert (told.today, told.lasts) == (today, lasts)


def test_what_was_spent_yesterday_does_not_count() -> None:
    """Each day begins anew."""
    limits = Limits(max_in_flight=1, daily_credit_cap=Decimal(54))
    gate = Gate(limits=limits, day=(START - 24 * HOUR).date(), spent=Decimal(54))
    assert estimate(10, gate).today == 10


def test_a_cap_below_the_price_of_one_lets_none_through() -> None:
    """Then it is never done."""
    gate = Gate(deployed=Limits(max_in_flight=3, daily_credit_cap=Decimal(5)))
    told = estimate(1, gate)
    assert (told.today, told.lasts) == (0, None)


def test_no_photos_take_no_time_and_what_is_free_no_cap() -> None:
    """Whatever the gate says."""
    assert estimate(0).lasts == timedelta(0)
    gate = Gate(price=Decimal(0), deployed=Limits(max_in_flight=3, daily_credit_cap=Decimal(0)))
    assert estimate(30, gate).today == 30
