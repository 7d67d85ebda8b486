"""Failed steps of a job: it is postponed, tried again, and ended after `MOST_FAILURES`.

It keeps its task ids, so that a retry can still fetch a result that was paid for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import (
    CutoutError,
    LostRaceError,
    NewerRowError,
    SourceDeniedError,
    StoreBusyError,
)
from cutout.domain.job.job import Job
from cutout.domain.polling_and_timing import Timing
from cutout.domain.provider_outcomes import words
from cutout.domain.reasons import Reason
from cutout.domain.states import UNDECIDED, Move, State
from cutout.ports.jobs_table import Jobs
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.job_writer import JobWriter

_VISIBILITY = 6
"""The queues hide a message for six times a function's time-out; a lease is at least one."""
_CUT_SHORT = "each try to store the result was cut short"
MOST_FAILURES = 8
"""With waits that grow up to a sixth of the job's deadline, about that deadline."""


@dataclass(kw_only=True)
class Step:
    """One step of a job.

    Attributes:
        job: as stored before the step; after it, the caller's own if it sets it.
        error: what the step raised; None if it succeeded.
    """

    job: Job
    error: Exception | None = None

    @property
    def is_denied(self) -> bool:
        """Whether S3 denied access to this photo; other photos may be readable."""
        return isinstance(self.error, SourceDeniedError)


@dataclass(frozen=True, kw_only=True)
class StepFailures:
    """Counts the failed steps of one function.

    Attributes:
        states: in which this function moves jobs.
    """

    job_writer: JobWriter
    jobs: Jobs
    clock: Clock
    telemetry: Telemetry
    timing: Timing
    states: frozenset[State]

    @contextmanager
    def guard(self, job: Job) -> Iterator[Step]:
        """A block that takes one step; if it raises, the failure is recorded on the current job.

        Raises:
            LostRaceError: another worker moved the job; not a failure.
            NewerRowError: a newer version wrote the row.
            Exception: the error does not count for this job; the queue delivers again.
        """
        step = Step(job=job)
        try:
            yield step
        except (LostRaceError, NewerRowError):
            raise
        except Exception as exc:  # one job's error must not stop other jobs
            moved = self._recorded(job, exc)
            if moved is None:
                raise
            step.job, step.error = moved, exc

    def _recorded(self, before: Job, exc: Exception) -> Job | None:
        """The job with the failure recorded; None if the failure does not count for the job."""
        job = self.jobs.find(before.id)
        now = self.clock.now()
        if job is None or not self._is_its_own(before, job, exc, now):
            return None
        # A step of `storing` is counted when it begins: it may kill its worker.
        failures = job.failures + (job.state is not State.STORING)
        job = replace(job, cut_short=max(0, job.cut_short - 1))
        self.telemetry.failed(
            "a step of a job failed: it is tried again later",
            job_id=job.id,
            state=job.state,
            failures=failures,
        )
        # At least as long as a message is hidden, so that no other delivery comes meanwhile. For a
        # settled job it is shorter: only its event is missing.
        first = self.timing.lease * (1 if job.state.is_settled else _VISIBILITY)
        wait = self.timing.retry_delay(failures, first=first)
        failed = replace(job, failures=failures, due_at=now + wait)
        if job.state.is_settled:
            return self.jobs.save(failed)
        is_worded = isinstance(exc, CutoutError)
        message = words(str(exc) if is_worded else f"{type(exc).__name__}: {exc}")
        if failures >= MOST_FAILURES:
            return self.end(job, message, is_denied=isinstance(exc, SourceDeniedError))
        if job.state is not State.QUEUED:
            return self.job_writer.record(job, replace(failed, message=message))
        hold, reason = Move.HOLD, Reason.BACKING_OFF
        return self.job_writer.move(job, hold, reason, wait=wait, known=failed, message=message)

    def _is_its_own(self, before: Job, job: Job, exc: Exception, now: datetime) -> bool:
        """Whether the failure counts for the job: this function moves it, and it was due.

        Errors of a busy jobs table do not count: they are not the job's, and cannot be written. In
        `storing` they count, or the step would seem to have killed its worker; but only if no
        other worker has moved the job, since two workers at once make the table busy.
        """
        if job.state.is_settled:
            return not job.is_announced
        if job.state not in self.states:
            return False
        if isinstance(exc, StoreBusyError):
            return job.state is State.STORING and job.version == before.version
        if job.state is State.QUEUED:
            return not job.is_backing_off(now)
        return job.state is State.STORING or job.is_due(now)

    def end(self, job: Job, message: str | None = None, *, is_denied: bool = False) -> Job:
        """End a job whose step fails again and again; a decided one is under review again."""
        message = message or job.message or _CUT_SHORT
        if job.is_being_decided and job.decision is not None:
            reason = job.decision.over
            undecided = replace(job, decision=replace(job.decision, problem=message))
            settle = self.job_writer.settle
            return settle(job, Move.KEEP_FOR_REVIEW, reason, known=undecided, message=message)
        move, reason = Move.FAIL, Reason.STEP_FAILED
        if job.state in UNDECIDED:
            reason = Reason.OUTCOME_UNKNOWN
        elif job.state is State.QUEUED and is_denied:
            move, reason = Move.REJECT, Reason.UNREADABLE
        known, attempt = job, job.tracked_attempt
        if job.state is State.STORING and attempt is not None:
            # Its result exists: a retry asks for it once more.
            known = job.with_attempt(replace(attempt, is_asked_again=False))
        return self.job_writer.settle(job, move, reason, known=known, message=message)
