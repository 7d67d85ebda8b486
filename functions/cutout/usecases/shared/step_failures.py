"""What follows when a step of a job raises: the job steps aside, comes back, and ends in the end.

What a step raises is counted on the job's own row, which says when the job is looked at again; the
next job goes on meanwhile. After `MOST_FAILURES` the job ends, and keeps the ids of its tasks, by
which a result that was paid for can still be had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cutout.domain.errors import LostRaceError, NewerRowError, SourceDeniedError, StoreBusyError
from cutout.domain.job.job import Job
from cutout.domain.provider import words
from cutout.domain.states import UNDECIDED, Move, Reason, State
from cutout.domain.timing import Timing, retry_delay
from cutout.ports.jobs_table import Jobs
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.job_writer import JobWriter

_VISIBILITY = 6
"""The queues hide a message for six times a function's time-out, which is at most a lease."""
MOST_FAILURES = 8
"""With waits that grow up to a sixth of the job's deadline, about that deadline."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a job.

    Attributes:
        job: as it stands afterwards.
        error: what it raised; None if it ended in order.
    """

    job: Job
    error: Exception | None = None

    @property
    def is_denied(self) -> bool:
        """S3 keeps this photo to itself: the next may be readable."""
        return isinstance(self.error, SourceDeniedError)


@dataclass(frozen=True, kw_only=True)
class StepFailures:
    """Counts what the steps of one function raise.

    Attributes:
        states: in which a job is this function's to move.
    """

    job_writer: JobWriter
    jobs: Jobs
    clock: Clock
    telemetry: Telemetry
    timing: Timing
    states: frozenset[State]

    def guard(self, job: Job, take: Callable[[Job], Job | None]) -> Step:
        """Take a step; what it raises is recorded on the row as it stands then.

        Raises:
            LostRaceError: somebody else moved the job: no fault.
            NewerRowError: the row is left alone.
            Exception: anything else that is not this job's own: the queue delivers again.
        """
        try:
            return Step(job=take(job) or job)
        except (LostRaceError, NewerRowError):
            raise
        except Exception as exc:  # whatever it is, it must not stop the next photo
            moved = self._recorded(job, exc)
            if moved is None:
                raise
            return Step(job=moved, error=exc)

    def _recorded(self, before: Job, exc: Exception) -> Job | None:
        """The job once the failure is on its row; None if it is not to be put there."""
        job = self.jobs.find(before.id)
        now = self.clock.now()
        if job is None or not self._is_its_own(job, exc, now):
            return None
        # A step of `storing` is counted when it begins, as its worker may die of it.
        failures = job.failures + (job.state is not State.STORING)
        job = replace(job, cut_short=max(0, job.cut_short - 1))
        self.telemetry.failed(
            "a step of a job failed: it is taken again later",
            job_id=job.id,
            state=job.state,
            failures=failures,
        )
        message = words(f"{type(exc).__name__}: {exc}")
        if job.state.is_settled:
            return self.job_writer.postpone_effects(self._later(job, failures, job.message, now))
        if failures >= MOST_FAILURES:
            return self.end(job, message, is_denied=isinstance(exc, SourceDeniedError))
        return self.job_writer.record(job, self._later(job, failures, message, now))

    def _is_its_own(self, job: Job, exc: Exception, now: datetime) -> bool:
        """It is this function that moves the job, and the time to do so had come.

        A busy table says nothing of a job, nor would it take the failure.
        """
        if job.state.is_settled:
            return not job.is_announced
        if isinstance(exc, StoreBusyError) or job.state not in self.states:
            return False
        if job.state is State.QUEUED:
            return not job.is_backing_off(now)
        return job.state is State.STORING or job.is_due(now)

    def _later(self, job: Job, failures: int, message: str | None, now: datetime) -> Job:
        due_at = now + retry_delay(failures, self.timing, first=_first_wait(job, self.timing))
        if job.state is not State.QUEUED:
            return replace(job, failures=failures, due_at=due_at, message=message)
        return job.move(
            Move.HOLD,
            now=now,
            reason=Reason.BACKING_OFF,
            due_at=due_at,
            message=message,
            failures=failures,
        )

    def end(self, job: Job, message: str | None, *, is_denied: bool = False) -> Job:
        """Give a job up that fails at the same step again and again."""
        move, reason = Move.FAIL, Reason.STEP_FAILED
        if job.state in UNDECIDED:
            reason = Reason.OUTCOME_UNKNOWN
        elif job.state is State.QUEUED and is_denied:
            move, reason = Move.REJECT, Reason.UNREADABLE
        settled = _to_be_asked_again(job).settle(
            move,
            now=self.clock.now(),
            retention=self.timing.retention,
            reason=reason,
            message=message,
        )
        return self.job_writer.record(job, settled)


def _to_be_asked_again(job: Job) -> Job:
    """A result that could not be stored is still there: the next retry asks for it, too."""
    attempt = job.tracked_attempt
    if attempt is None or job.state is not State.STORING:
        return job
    return job.with_attempt(replace(attempt, is_asked_again=False))


def _first_wait(job: Job, timing: Timing) -> timedelta:
    """No less than a message is hidden, so that no second delivery comes in between.

    The event of a job that is over is wanted soon, and no photo is worked on for it.
    """
    return timing.lease if job.state.is_settled else _VISIBILITY * timing.lease
