"""Tasks that only a callback's body names, until the API confirms them.

A callback proves that the provider took the call, since only the call contains its URL: the call is
never repeated. The task that the body names is not proved. Its id stays on the job, and the API is
read again, until it confirms the task or the job's deadline passes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cutout.domain.dataclass import dataclass
from cutout.domain.job.attempt import TAKEN_UNNAMED, Attempt
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import UNDECIDED, Move, State
from cutout.domain.timing import LastAnswer, Randomness, Timing
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.job_writer import JobWriter


@dataclass(frozen=True, kw_only=True)
class UnverifiedTasks:
    """Records and discards the task ids that callbacks name."""

    job_writer: JobWriter
    clock: Clock
    timing: Timing
    randomness: Randomness

    def concerns(self, job: Job, attempt: Attempt) -> bool:
        """Whether the job waits for this attempt's outcome and no answer has named its task."""
        return job.state in UNDECIDED and attempt == job.attempt and attempt.task_id is None

    def is_answer_due(self, job: Job, attempt: Attempt) -> bool:
        """Whether the call is still being made; its own answer will name and prove the task."""
        return job.state is State.SUBMITTING and self.concerns(job, attempt)

    def callback_received(self, job: Job, attempt: Attempt, task_id: str | None) -> Job:
        """Record that a callback came; returns the job as stored."""
        if attempt.is_taken or not self.concerns(job, attempt):
            return job
        known = job.with_attempt(replace(attempt, is_taken=True))
        if task_id is None and job.state is State.UNCONFIRMED:
            known = replace(known, message=TAKEN_UNNAMED)
        return self.job_writer.record(job, known)

    def task_unknown(self, job: Job, attempt: Attempt, task_id: str) -> None:
        """The provider has no such task: normal for a moment; after that, the body was wrong."""
        now = self.clock.now()
        if self.timing.may_become_known(now - attempt.started_at):
            self.remember(job, attempt, task_id)
        elif attempt.named_task == task_id:
            # Only this one: another callback may have named the right task meanwhile.
            self.forget(job, attempt)

    def task_unreadable(self, job: Job, attempt: Attempt, task_id: str, message: str) -> None:
        """Read the task again later, less and less often, within the job's deadline."""
        now = self.clock.now()
        if now - attempt.started_at >= self.timing.job_deadline:
            self.job_writer.settle(job, Move.FAIL, Reason.OUTCOME_UNKNOWN, message=message)
        else:
            self.remember(job, attempt, task_id, LastAnswer.UNREADABLE)

    def belongs_to_another(self, job: Job, attempt: Attempt) -> None:
        """The task is another call's: the attempt does not adopt it, or gives it up.

        A job that depends on it ends: nothing names its own task any more but another callback.
        """
        if attempt.task_id is None:
            self.forget(job, attempt)
        elif not job.state.is_settled:
            unknown = job.with_attempt(attempt.without_task())
            self.job_writer.settle(job, Move.FAIL, Reason.OUTCOME_UNKNOWN, known=unknown)

    def forget(self, job: Job, attempt: Attempt) -> None:
        """Discard the id: it is not the task of this call."""
        if attempt.named_task is None or not self.concerns(job, attempt):
            return
        nameless = job.with_attempt(replace(attempt, named_task=None))
        # While the id was known, it was read in place of a repeat: now the grace time counts.
        until_grace_ends = job.in_state_since + self.timing.unconfirmed_grace
        self._record(job, nameless, until_grace_ends - self.clock.now())

    def remember(
        self, job: Job, attempt: Attempt, task_id: str, last: LastAnswer = LastAnswer.UNKNOWN
    ) -> None:
        """Record the id. In `submitting`, the job stays due when its lease ends."""
        named = job.with_attempt(replace(attempt, named_task=task_id))
        self._record(job, named, self.timing.wait_before_read(last, job.tries, self.randomness))

    def _record(self, job: Job, known: Job, wait: timedelta) -> None:
        if job.state is State.UNCONFIRMED:
            move, message = Move.REPEAT_LATER, job.message
            self.job_writer.move(job, move, job.reason, wait=wait, known=known, message=message)
        elif known != job:
            self.job_writer.record(job, known)
