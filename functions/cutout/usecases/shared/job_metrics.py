"""The metrics of a job's moves and of its end."""

from __future__ import annotations

from decimal import Decimal

from cutout.domain.job.attempt import charged
from cutout.domain.job.job import Job
from cutout.domain.metrics import JOBS_SETTLED, TIME_IN_STATE, Metric
from cutout.domain.states import State
from cutout.ports.telemetry import Telemetry

_FAILED_PERCENT = {State.COMPLETED: 0, State.REVIEW: 100, State.FAILED: 100}


def count_time_in_state(telemetry: Telemetry, before: Job, after: Job) -> None:
    """Write how many seconds the job was in the state that it left."""
    metric = TIME_IN_STATE.get(before.state)
    if metric is not None and after.state is not before.state:
        seconds = (after.updated_at - before.in_state_since).total_seconds()
        telemetry.metric(metric, max(0.0, seconds))


def count_end(telemetry: Telemetry, job: Job) -> None:
    """Count a job that has ended: its credits, and how long it took to be completed."""
    telemetry.metric(JOBS_SETTLED[job.state])
    if job.decision is not None:
        # The job was counted when its review began; it was not the provider that took so long.
        return
    telemetry.metric(Metric.CREDITS, float(_newly_charged(job)))
    if job.state in _FAILED_PERCENT:
        telemetry.metric(Metric.FAILED_PERCENT, _FAILED_PERCENT[job.state])
    if job.state is State.COMPLETED:
        seconds = (job.updated_at - job.created_at).total_seconds()
        telemetry.metric(Metric.SECONDS_TO_COMPLETE, seconds)
    if job.state is State.COMPLETED and job.reused is not None:
        telemetry.metric(Metric.REUSED)
        telemetry.metric(Metric.CREDITS_SAVED, float(job.reused.credits_saved))


def _newly_charged(job: Job) -> Decimal:
    """The cost of the attempts that were not counted when the job ended before, if it did."""
    ends = [step.at for step in job.history[:-1] if step.state.is_settled]
    new = (one for one in job.attempts if not ends or one.started_at > ends[-1])
    return sum(map(charged, new), Decimal(0))
