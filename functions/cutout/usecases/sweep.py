"""Once a minute: whatever is due goes to the queue that moves it on; the gate is recounted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cutout.gate import Gate
from cutout.job import Job
from cutout.ports import (
    Backlog,
    CallbackQueue,
    Clock,
    Gates,
    Metric,
    SubmissionQueue,
    Telemetry,
    Wake,
)
from cutout.states import State
from cutout.usecases.wake import Waker, change_gate

_MOST_DUE = 1000
_SUBMITS = frozenset({State.QUEUED, State.SUBMITTING, State.UNCONFIRMED})


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The safety net under every queue, callback and worker."""

    backlog: Backlog
    gates: Gates
    waker: Waker
    submissions: SubmissionQueue
    callbacks: CallbackQueue
    telemetry: Telemetry
    clock: Clock
    resend_after: timedelta

    def sweep(self) -> int:
        """Send on what is due, admit who waits, recount the gate; returns how many were due."""
        now = self.clock.now()
        due = self.backlog.due(now, _MOST_DUE)
        self._send_on(due, now)
        gate = self._recount()
        self.waker.wake_waiting()
        self._publish(due, gate, now)
        return len(due)

    def _send_on(self, due: Sequence[Job], now: datetime) -> None:
        """Send first, postpone after: a crash in between repeats a message, and loses none."""
        submits = [job.id for job in due if job.state in _SUBMITS]
        follows = [_wake(job) for job in due if job.state not in _SUBMITS]
        if submits:
            self.submissions.wake(submits)
        if follows:
            self.callbacks.wake(follows)
        for job in due:
            self.backlog.postpone(job, now + self.resend_after)

    def _recount(self) -> Gate:
        counted = self.backlog.count_holding()
        limits = self.waker.limits
        gate = change_gate(
            self.gates,
            lambda gate: replace(gate.recounted(counted), deployed=limits),
        )
        self.telemetry.count(Metric.GATE_DRIFT, abs(counted - gate.in_flight))
        return gate

    def _publish(self, due: Sequence[Job], gate: Gate, now: datetime) -> None:
        oldest = min((job.due_at for job in due if job.due_at), default=now)
        telemetry = self.telemetry
        telemetry.count(Metric.JOBS_DUE, len(due))
        telemetry.count(Metric.OLDEST_DUE_SECONDS, (now - oldest).total_seconds())
        telemetry.count(Metric.IN_FLIGHT, gate.in_flight)
        telemetry.count(Metric.SPENT_TODAY, float(gate.spent_on(now.date())))
        telemetry.count(Metric.GATE_IS_PAUSED, int(gate.is_paused(now)))


def _wake(job: Job) -> Wake:
    attempt = job.followed
    if attempt is None:
        return Wake(job_id=job.id, attempt=0, is_poll=True)
    return Wake(job_id=job.id, attempt=attempt.number, task_id=attempt.task_id, is_poll=True)
