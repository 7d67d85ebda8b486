"""Gauges and counters of jobs and of the gate, for alarms and the dashboard."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.metrics import TIME_IN_STATE, Metric
from cutout.domain.states import State
from cutout.usecases.sweep.sweep import PAUSED_BECAUSE
from tests.support.builders import new_gate
from tests.support.fakes.world import World

MINUTE = timedelta(minutes=1)


def test_waiting_jobs_and_the_age_of_the_oldest_are_measured() -> None:
    """A waiting job has no due time, so only these gauges show it."""
    world = World()
    world.operate.pause()
    world.arrives("first.jpg")
    world.clock.advance(MINUTE)
    world.arrives("second.jpg")
    world.clock.advance(MINUTE)
    world.telemetry.counts.clear()
    world.sweep.sweep()
    counts = world.telemetry.counts
    assert (counts[Metric.WAITING], counts[Metric.OLDEST_WAITING_SECONDS]) == (2, 120)


@pytest.mark.parametrize("reason", PAUSED_BECAUSE)
def test_a_paused_gate_reports_its_reason(reason: PauseReason) -> None:
    """One gauge a reason, so that each can have its own alarm."""
    world = World()
    now = world.clock.now()
    world.jobs.write_gate(new_gate().pausing(reason, now, now + 2 * MINUTE))
    world.sweep.sweep()
    told = {metric for metric in PAUSED_BECAUSE.values() if world.telemetry.counts[metric]}
    assert told == {PAUSED_BECAUSE[reason]}
    assert world.telemetry.counts[Metric.GATE_IS_PAUSED] == 1


@pytest.mark.parametrize(("cap", "percent"), [(54, 10), (5.4, 100), (0, 100)])
def test_spending_is_measured_against_the_cap_in_force(cap: float, percent: float) -> None:
    """An operator's cap, if one is set; of a cap of zero, 100 % is used."""
    world = World()
    world.arrives()
    world.operate.set_limits(daily_credit_cap=Decimal(str(cap)))
    world.sweep.sweep()
    assert world.telemetry.counts[Metric.CAP_USED_PERCENT] == percent


def test_the_time_in_each_state_is_counted_when_the_job_leaves_it() -> None:
    """Including the time that a job waited at the gate."""
    world = World()
    world.operate.pause()
    job = world.arrives()
    world.clock.advance(5 * MINUTE)
    world.operate.resume()
    world.deliver_all()
    world.clock.advance(MINUTE)
    world.evolink.complete(world.task_of(job))
    world.check_task(job)
    assert world.job(job).state is State.COMPLETED
    told = {metric: world.telemetry.counts.get(metric) for metric in TIME_IN_STATE.values()}
    assert told == {
        Metric.SECONDS_QUEUED: 300,
        Metric.SECONDS_SUBMITTING: 0,
        Metric.SECONDS_UNCONFIRMED: None,
        Metric.SECONDS_PROCESSING: 60,
        Metric.SECONDS_STORING: 0,
    }


@pytest.mark.parametrize(
    ("end", "percent"), [("completes", 0), ("fails", 100), ("is no photo", None)]
)
def test_each_photo_counts_in_the_failure_ratio(end: str, percent: int | None) -> None:
    """As completed or failed; a rejected photo was never sent, and does not count."""
    world = World()
    job = world.arrives(data=b"a text" if end == "is no photo" else None)
    if end == "completes":
        world.evolink.complete(world.task_of(job))
        world.check_task(job)
    if end == "fails":
        world.evolink.fail(world.task_of(job), "content_policy_violation")
        world.check_task(job)
    assert world.job(job).state.is_settled
    assert world.telemetry.counts.get(Metric.FAILED_PERCENT) == percent
