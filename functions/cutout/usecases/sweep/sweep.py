"""What Sweep does every minute: enqueue due jobs and waiting jobs, and write the gauges."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import StoreBusyError
from cutout.domain.gate.gate import LONGEST_TASK, Gate, Limits, held_since
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.metrics import Metric
from cutout.domain.states import SUBMITTED, State
from cutout.ports.jobs_table import Backlog, BacklogStatus, Due, GateMovedError, Gates
from cutout.ports.queues import SubmissionQueue, TaskCheckQueue
from cutout.ports.telemetry import Clock, Telemetry

_MOST_DUE = 1000
_LONGEST_RESEND = timedelta(hours=1)
PAUSED_BECAUSE = {
    PauseReason.OUT_OF_CREDITS: Metric.PAUSED_OUT_OF_CREDITS,
    PauseReason.KEY_REFUSED: Metric.PAUSED_KEY_REFUSED,
    PauseReason.RATE_LIMITED: Metric.PAUSED_RATE_LIMITED,
    PauseReason.OPERATOR: Metric.PAUSED_BY_A_PERSON,
}
"""One gauge for each reason, 1 while the gate is paused for it; each has its own alarm."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Recovers jobs whose message, callback or worker was lost."""

    backlog: Backlog
    gates: Gates
    submissions: SubmissionQueue
    callbacks: TaskCheckQueue
    telemetry: Telemetry
    clock: Clock
    limits: Limits
    resend_after: timedelta

    def sweep(self) -> int:
        """Enqueue due jobs, look at the gate, enqueue waiting jobs; returns how many were due."""
        now = self.clock.now()
        due = self.backlog.due(now, _MOST_DUE)
        self._send_on(due.jobs, now)
        # This version cannot read jobs of a newer one. They stay due, so that the alarm for overdue
        # jobs goes off; a thousand of them must not fill every run.
        for row in due.newer:
            self.telemetry.log("job of a newer version left alone", job_id=row.id)
            self.backlog.postpone(row, now + self.resend_after)
        # The index is not written with each move, so an entry may be earlier than its due time.
        for job in due.early:
            self.backlog.postpone(job, job.due_at or now)
        backlog = self.backlog.backlog_status()
        gate = self._look_at_gate(now, has_waiting=backlog.waiting > 0)
        # Before waiting jobs are enqueued, so that those of an earlier version are among them.
        self.backlog.carry_over()
        if gate.why_closed(now) is None:
            self.submissions.enqueue(self.backlog.waiting(gate.free_slots))
        self._publish(due, backlog, gate, now)
        return len(due.jobs)

    def _send_on(self, due: Sequence[Job], now: datetime) -> None:
        """Enqueue jobs, then postpone them: a crash in between repeats messages but loses none."""
        submits = [job.id for job in due if _goes_to_submit(job)]
        checks = [_task_check(job) for job in due if not _goes_to_submit(job)]
        self.submissions.enqueue(submits)
        self.callbacks.enqueue(checks)
        for job in due:
            self.telemetry.log("job sent on", job_id=job.id, state=job.state, key=job.source.key)
            # It is enqueued again later if it stays due, as its workers fail.
            overdue = now - (job.due_at or now)
            wait = max(self.resend_after, min(overdue / 4, _LONGEST_RESEND))
            self.backlog.postpone(job, now + wait)

    def _look_at_gate(self, now: datetime, *, has_waiting: bool) -> Gate:
        """Note what is deployed and waits, and remove from the shards what no job will."""
        gate = self.gates.read_gate()
        swept = gate.swept(self.limits, now, has_waiting=has_waiting)
        if swept != gate:
            # A gate that somebody else has just written is left to the next run.
            with suppress(GateMovedError):
                self.gates.write_gate(swept)
        # So is the rest if a shard is busy because jobs are being admitted there.
        with suppress(StoreBusyError):
            self._tidy_shards(gate, now)
        return swept

    def _tidy_shards(self, gate: Gate, now: datetime) -> None:
        """Remove holders that are older than any task runs, and credits that no longer count.

        A job frees its slot in the write that ends its task. Only a job that somebody deleted from
        the table, or that a later version has taken over, leaves its holder behind.
        """
        oldest = now - LONGEST_TASK
        for number, shard in enumerate(gate.shards):
            for holder in shard.holders:
                if held_since(holder) < oldest:
                    self.telemetry.log("a slot was held by no task", holder=holder)
                    self.gates.free_slot(number, holder)
            # Each write of a shard takes units for all of it: it must not grow by a day each day.
            for day in shard.spent:
                if day < oldest.date():
                    self.gates.forget_day(number, day)

    def _publish(self, due: Due, backlog: BacklogStatus, gate: Gate, now: datetime) -> None:
        """Write the gauges, zeros included: an alarm must distinguish zero from missing data."""
        since = [job.due_at for job in due.jobs if job.due_at] + [row.due_at for row in due.newer]
        for metric, value in {
            Metric.JOBS_DUE: len(since),
            Metric.OLDEST_DUE_SECONDS: _age(min(since, default=None), now),
            Metric.IN_FLIGHT: gate.in_flight,
            Metric.OLDEST_IN_FLIGHT_SECONDS: _age(gate.in_flight_since, now),
            Metric.WAITING: backlog.waiting,
            Metric.OLDEST_WAITING_SECONDS: _age(backlog.waiting_since, now),
            **_spend(gate, now),
            **_pauses(gate, now),
        }.items():
            self.telemetry.metric(metric, value)


def _spend(gate: Gate, now: datetime) -> dict[Metric, float]:
    """The day's credits, and their percentage of the cap; 100 for a cap of zero."""
    spent = gate.spent_on(now.date())
    cap = gate.limits_in_force.daily_credit_cap
    percent = float(100 * spent / cap) if cap else 100.0
    return {Metric.SPENT_TODAY: float(spent), Metric.CAP_USED_PERCENT: round(percent, 2)}


def _pauses(gate: Gate, now: datetime) -> dict[Metric, float]:
    """1 for the reason why the gate is paused, 0 for all others."""
    because = gate.pause.reason if gate.pause and gate.is_paused(now) else None
    return {
        Metric.GATE_IS_PAUSED: int(because is not None),
        **{metric: int(reason is because) for reason, metric in PAUSED_BECAUSE.items()},
    }


def _age(since: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 for None."""
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _goes_to_submit(job: Job) -> bool:
    """Whether Submit moves the job; StoreResult does if there is a task to check."""
    is_to_be_asked = job.state is State.UNCONFIRMED and job.has_unverified_task
    return job.state in SUBMITTED and not is_to_be_asked


def _task_check(job: Job) -> TaskCheck:
    attempt = job.tracked_attempt
    if attempt is None:
        return TaskCheck(job_id=job.id, attempt=0, is_poll=True)
    task_id = attempt.task_id or attempt.named_task
    return TaskCheck(job_id=job.id, attempt=attempt.number, task_id=task_id, is_poll=True)
