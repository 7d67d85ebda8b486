"""What callbacks say of a call whose answer is lost: that it was taken, and maybe its task.

That it was taken is certain: only the call holds the URL that they come to. So it is never made
again. The task that a body names is not: it is believed once the API confirms it. Until then the
name stays on the row, and the API is asked again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.reason_texts import TAKEN_UNNAMED
from cutout.domain.states import UNDECIDED, Move, Reason, State
from cutout.domain.timing import READ_AGAIN, Randomness, Timing, back_off
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.job_writer import JobWriter


@dataclass(frozen=True, kw_only=True)
class UnverifiedTasks:
    """Remembers and forgets what callbacks named."""

    job_writer: JobWriter
    clock: Clock
    timing: Timing
    randomness: Randomness

    def concerns(self, job: Job, attempt: Attempt) -> bool:
        """The attempt's outcome is what the job waits for, and no answer has named its task."""
        return job.state in UNDECIDED and attempt == job.attempt and attempt.task_id is None

    def callback_received(self, job: Job, attempt: Attempt, task_id: str | None) -> Job:
        """Note that a callback came; the job as it stands then."""
        if attempt.is_taken or not self.concerns(job, attempt):
            return job
        known = job.with_attempt(replace(attempt, is_taken=True))
        if task_id is None and job.state is State.UNCONFIRMED:
            known = replace(known, message=TAKEN_UNNAMED)
        return self.job_writer.record(job, known)

    def task_unknown(self, job: Job, attempt: Attempt, task_id: str) -> None:
        """The provider has no such task: normal for a moment; after that, the body was wrong."""
        now = self.clock.now()
        if now - attempt.started_at < self.timing.provider.task_visibility_delay:
            self._remember(job, attempt, task_id, READ_AGAIN)
        elif attempt.named_task == task_id:
            self.forget(job, attempt)

    def task_unreadable(self, job: Job, attempt: Attempt, task_id: str, message: str) -> None:
        """The API cannot say now. It is asked again, ever less often, within the deadline."""
        now = self.clock.now()
        if now - attempt.started_at >= self.timing.job_deadline:
            lost = job.settle(
                Move.FAIL,
                now=now,
                retention=self.timing.retention,
                reason=Reason.OUTCOME_UNKNOWN,
                message=message,
            )
            self.job_writer.record(job, lost)
            return
        wait = back_off(job.tries, self.timing.poll_interval, self.randomness)
        self._remember(job, attempt, task_id, wait)

    def forget(self, job: Job, attempt: Attempt) -> None:
        """It is not this call's task: from here on as if nothing had been named."""
        if attempt.named_task is None or not self.concerns(job, attempt):
            return
        nameless = job.with_attempt(replace(attempt, named_task=None))
        if job.state is State.UNCONFIRMED:
            until_grace_ends = job.in_state_since + self.timing.unconfirmed_grace
            nameless = self._postponed(nameless, until_grace_ends - self.clock.now())
        self.job_writer.record(job, nameless)

    def _remember(self, job: Job, attempt: Attempt, task_id: str, wait: timedelta) -> None:
        """While the call is being made, its lease is what is due; Answers looks at the name."""
        named = job.with_attempt(replace(attempt, named_task=task_id))
        if job.state is State.UNCONFIRMED:
            named = self._postponed(named, wait)
        if named != job:
            self.job_writer.record(job, named)

    def _postponed(self, job: Job, wait: timedelta) -> Job:
        now = self.clock.now()
        return job.move(
            Move.REPEAT_LATER,
            now=now,
            reason=job.reason,
            message=job.message,
            due_at=now + max(wait, timedelta(0)),
        )
