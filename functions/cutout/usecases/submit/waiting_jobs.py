"""Jobs that Submit cannot call for now: they wait at the gate, back off, or end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Unpack

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NewerRowError
from cutout.domain.job.job import Job, JobChanges
from cutout.domain.provider import NotSent, Refused
from cutout.domain.states import Move, Reason
from cutout.domain.timing import Timing
from cutout.ports.jobs_table import Backlog, Jobs
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.submit.call_outcome import CallOutcomes

_MOST_HANDOVERS = 40
"""With back-offs of up to ten minutes, about six hours."""
_CANDIDATES = 10
"""More than the workers that admit jobs at the same time."""


@dataclass(frozen=True, kw_only=True)
class WaitingJobs:
    """Lets jobs wait at the gate or for a back-off, and ends jobs that are never called for."""

    job_writer: JobWriter
    jobs: Jobs
    backlog: Backlog
    clock: Clock
    call_outcomes: CallOutcomes
    timing: Timing

    def waiting(self) -> Iterator[Job]:
        """The jobs that wait at the gate, by priority; jobs that were admitted are skipped."""
        for job_id in self.backlog.waiting(_CANDIDATES):
            job = self._understood(job_id)
            if job is not None and job.is_waiting:
                yield job

    def _understood(self, job_id: str) -> Job | None:
        """The job; None if a newer version wrote its row, which must not block other jobs."""
        try:
            return self.jobs.find(job_id)
        except NewerRowError:
            return None

    def hold(self, job: Job, reason: Reason) -> Job:
        """Let the job wait at the gate, without a due time: a freed slot or Sweep enqueues it."""
        if job.is_waiting and job.reason is reason:
            return job
        now = self.clock.now()
        behind = job.move(Move.HOLD, now=now, reason=reason, is_waiting=True)
        if job.is_waiting:
            # Only the reason changes. The place among the waiting jobs may depend on this time.
            behind = replace(behind, updated_at=job.updated_at)
        return self.job_writer.record(job, behind)

    def handover_failed(self, job: Job, outcome: Refused | NotSent) -> Job:
        """The photo could not be handed over; no call was made, and nothing is paid."""
        now = self.clock.now()
        if isinstance(outcome, Refused):
            if self.call_outcomes.pause(outcome):
                return self.hold(job, Reason.GATE_PAUSED)
            return self.settle(
                job,
                Move.FAIL,
                Reason.REFUSED_BY_PROVIDER,
                code=outcome.code,
                message=outcome.message,
            )
        failed = job.handovers_failed + 1
        if failed > _MOST_HANDOVERS:
            return self.settle(
                job,
                Move.FAIL,
                Reason.PROVIDER_UNREACHABLE,
                message=outcome.message,
            )
        later = job.move(
            Move.HOLD,
            now=now,
            reason=Reason.BACKING_OFF,
            due_at=now + self.call_outcomes.back_off(failed - 1),
            message=outcome.message,
            handovers_failed=failed,
        )
        return self.job_writer.record(job, later)

    def settle(self, job: Job, move: Move, reason: Reason, **changes: Unpack[JobChanges]) -> Job:
        """End the job."""
        now = self.clock.now()
        settled = job.settle(
            move,
            now=now,
            retention=self.timing.retention,
            reason=reason,
            **changes,
        )
        return self.job_writer.record(job, settled)
