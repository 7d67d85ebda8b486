"""Jobs that Submit cannot call for now: they wait at the gate, back off, or end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NewerRowError
from cutout.domain.job.job import Job
from cutout.domain.provider import NotSent, Refused
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import Decision, Verdict, decide_refusal
from cutout.domain.states import Move
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
        if isinstance(outcome, Refused):
            return self.handover_refused(job, outcome, decide_refusal(outcome))
        delay = self.call_outcomes.back_off(job.handovers_failed)
        return self._hand_over_later(job, outcome, delay, Reason.PROVIDER_UNREACHABLE)

    def handover_refused(self, job: Job, refused: Refused, decision: Decision) -> Job:
        """Do what the retry policy decides about a refused copy."""
        match decision.verdict:
            case Verdict.PAUSE:
                self.call_outcomes.pause(decision, refused)
                return self.hold(job, Reason.GATE_PAUSED)
            case Verdict.AGAIN:
                delay = decision.delay or timedelta(0)
                return self._hand_over_later(job, refused, delay, Reason.REFUSED_BY_PROVIDER)
            # Without a call there is no callback to wait for.
            case Verdict.FAIL | Verdict.WAIT:
                return self._settle_unsent(job, refused, Reason.REFUSED_BY_PROVIDER)

    def _hand_over_later(
        self, job: Job, outcome: Refused | NotSent, delay: timedelta, end: Reason
    ) -> Job:
        """Hand the photo over again after the delay; end the job after too many failures."""
        failed = job.handovers_failed + 1
        if failed > _MOST_HANDOVERS:
            return self._settle_unsent(job, outcome, end)
        now = self.clock.now()
        later = job.move(
            Move.HOLD,
            now=now,
            reason=Reason.BACKING_OFF,
            due_at=now + delay,
            message=outcome.message,
            handovers_failed=failed,
        )
        return self.job_writer.record(job, later)

    def _settle_unsent(self, job: Job, outcome: Refused | NotSent, reason: Reason) -> Job:
        code = outcome.code if isinstance(outcome, Refused) else None
        return self.job_writer.settle(job, Move.FAIL, reason, code=code, message=outcome.message)
