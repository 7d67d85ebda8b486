"""What follows when a task has no result: it runs, failed, or cannot be read.

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
from cutout.domain.job.recheck import after_recheck, still_running
from cutout.domain.polling_and_timing import UNKNOWN_TASK_WAIT, Randomness, Timing
from cutout.domain.provider_outcomes import Task
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import Verdict, decide_task_failure
from cutout.domain.states import HOLDING, UNDECIDED, AttemptOutcome, Move, State
from cutout.ports.jobs_table import LatestVersions
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.job_writer import JobWriter

_TRACKED = frozenset({State.PROCESSING, State.STORING})


@dataclass(frozen=True, kw_only=True)
class UnfinishedTasks:
    """Has the task read again later, makes another call, or ends the job."""

    job_writer: JobWriter
    latest_versions: LatestVersions
    submissions: SubmissionQueue
    clock: Clock
    timing: Timing
    randomness: Randomness

    def callback_received(self, job: Job, attempt: Attempt, task_id: str | None) -> Job:
        """Record that a callback came; returns the job as stored."""
        if attempt.is_taken or not _is_unverified(job, attempt):
            return job
        known = job.with_attempt(replace(attempt, is_taken=True))
        if task_id is None and job.state is State.UNCONFIRMED:
            known = replace(known, message=TAKEN_UNNAMED)
        return self.job_writer.record(job, known)

    def running(self, job: Job, attempt: Attempt) -> None:
        """Check a running task again later; the attempt that the job tracks adopts its task."""
        wait = self.timing.wait_before_read(job.tries, self.randomness)
        if job.state not in UNDECIDED or not job.tracks(attempt):
            self._wait(still_running(job, attempt), wait)
            return
        adopted = job.with_attempt(replace(attempt, outcome=AttemptOutcome.ACCEPTED))
        self.job_writer.move(job, Move.ACCEPT, None, wait=wait, known=adopted)

    def unknown(self, job: Job, attempt: Attempt, task_id: str) -> None:
        """Ask again for a while: a new task may be unknown, and a lost one must stay unknown.

        The task of an earlier attempt is ignored, because the job no longer depends on it.
        """
        now = self.clock.now()
        if _is_unverified(job, attempt):
            if self.timing.may_become_known(now - attempt.started_at):
                self._remember(job, attempt, task_id)
            elif attempt.named_task == task_id:
                # Only this one: another callback may have named the right task meanwhile.
                self._forget(job, attempt)
            return
        if job.state not in _TRACKED or attempt != job.tracked_attempt:
            return
        since = attempt.not_found_since or now
        if self.timing.may_become_known(now - since):
            missing = replace(attempt, not_found_since=since)
            self._wait(job.with_attempt(missing), UNKNOWN_TASK_WAIT)
            return
        ended = replace(
            attempt.ended(AttemptOutcome.UNKNOWN),
            code="task_not_found",
            is_asked_again=job.is_rechecking,
        )
        lost = job.with_attempt(ended)
        if job.is_rechecking:
            self._go_on_asking(job, lost)
        else:
            settle = self.job_writer.settle
            settle(job, Move.FAIL, Reason.TASK_LOST, known=lost, code="task_not_found")

    def unreadable(self, job: Job, attempt: Attempt, task_id: str, message: str) -> bool:
        """Ask again later; False if nobody polls for this attempt."""
        wait = self.timing.wait_before_read(job.tries, self.randomness, is_readable=False)
        if job.state in _TRACKED:
            self._wait(job, wait, message)
        elif not _is_unverified(job, attempt):
            return False
        elif self.clock.now() - attempt.started_at >= self.timing.job_deadline:
            self.job_writer.settle(job, Move.FAIL, Reason.OUTCOME_UNKNOWN, message=message)
        else:
            self._remember(job, attempt, task_id, wait)
        return True

    def failed(self, job: Job, read: Attempt, attempt: Attempt, task: Task) -> None:
        """Retry with back-off where the error code allows it; otherwise end the job.

        A task that only a callback's body named may be another call's, whose answer was lost: the
        API does not tell. The job's own call may still be charged, so nothing more is paid: the job
        ends, a callback may still bring its result, and a person may retry it.

        Args:
            job: as it was read.
            read: the attempt as it was read.
            attempt: the same with the task's id.
            task: as the provider describes it.
        """
        if job.state is State.SUBMITTING and _is_unverified(job, read):
            # The call is still being made; its own answer will name and prove the task.
            self._remember(job, read, task.id)
            return
        ended = attempt.without_task()
        if not attempt.is_adopted:
            ended = replace(
                attempt.ended(AttemptOutcome.FAILED),
                credits_used=task.credits_used,
                code=task.code,
                message=task.message,
            )
        known = job.with_attempt(ended)
        if job.is_rechecking and job.tracks(attempt):
            self._go_on_asking(job, known)
        elif job.state.is_settled or job.state is State.QUEUED or not job.tracks(attempt):
            # A person retried a queued job after it had failed: another attempt decides.
            self.job_writer.record(job, known, decided_by=attempt)
        elif superseded := job.why_superseded_by(self.latest_versions.newest(job.source.ref)):
            settle = self.job_writer.settle
            settle(job, Move.SUPERSEDE, superseded, known=known, decided_by=attempt)
        else:
            self._retry_or_fail(job, known, attempt, task)

    def of_another_call(self, job: Job, attempt: Attempt) -> None:
        """The task is another call's: the attempt does not adopt it, or gives it up.

        A job that depends on it ends: nothing names its own task any more but another callback.
        """
        without = job.with_attempt(attempt.without_task())
        if job.is_rechecking and attempt == job.tracked_attempt:
            self._go_on_asking(job, without)
        elif attempt.task_id is None:
            self._forget(job, attempt)
        elif not job.state.is_settled:
            self.job_writer.settle(job, Move.FAIL, Reason.OUTCOME_UNKNOWN, known=without)

    def _retry_or_fail(self, job: Job, known: Job, attempt: Attempt, task: Task) -> None:
        """Do what the retry policy decides about the failed task."""
        earlier = sum(a.outcome is AttemptOutcome.FAILED for a in job.attempts)
        decision = decide_task_failure(task, earlier, attempt.transport)
        is_again = decision.verdict is Verdict.AGAIN and job.state in HOLDING
        if attempt.is_adopted or not is_again or not decision.delay:
            self.job_writer.settle(
                job,
                Move.FAIL,
                decision.reason,
                known=known,
                decided_by=attempt,
                code=task.code,
                message=task.message,
            )
            return
        self.job_writer.move(
            job,
            Move.RETRY_TASK,
            Reason.TASK_RETRIED,
            # Spread: tasks that fail together, as in an outage, must not all be retried together.
            wait=decision.delay * (1 + 0.5 * self.randomness()),
            known=replace(known, transport=decision.transport or job.transport),
            code=task.code,
            message=task.message,
        )

    def _go_on_asking(self, job: Job, answered: Job) -> None:
        """Recheck the next attempt for a result, or queue the job for a new paid call."""
        after = after_recheck(answered, self.clock.now())
        saved = self.job_writer.record(job, after)
        if saved.state is State.QUEUED:
            self.submissions.enqueue([saved.id])

    def _wait(self, job: Job, wait: timedelta, message: str | None = None) -> None:
        """Check again later, within the deadline; jobs that do not wait for a task stay as is."""
        if job.state not in _TRACKED:
            return
        has_result = job.state is State.STORING and not job.is_rechecking
        if self.clock.now() - job.entered_at >= self.timing.job_deadline:
            reason = Reason.RESULT_LOST if has_result else Reason.DEADLINE_PASSED
            self.job_writer.settle(job, Move.FAIL, reason, message=message)
            return
        move = Move.FETCH_LATER if job.state is State.STORING else Move.POLL_LATER
        self.job_writer.move(job, move, job.reason, wait=wait, message=message)

    def _forget(self, job: Job, attempt: Attempt) -> None:
        """Discard the id that a callback named: it is not the task of this call."""
        if attempt.named_task is None or not _is_unverified(job, attempt):
            return
        nameless = job.with_attempt(replace(attempt, named_task=None))
        # While the id was known, it was read in place of a repeat: now the grace time counts.
        until_grace_ends = job.entered_at + self.timing.unconfirmed_grace
        self._record(job, nameless, until_grace_ends - self.clock.now())

    def _remember(
        self, job: Job, attempt: Attempt, task_id: str, wait: timedelta = UNKNOWN_TASK_WAIT
    ) -> None:
        """Record the id that a callback named. In `submitting`, the job stays due as it is."""
        named = job.with_attempt(replace(attempt, named_task=task_id))
        self._record(job, named, wait)

    def _record(self, job: Job, known: Job, wait: timedelta) -> None:
        if job.state is State.UNCONFIRMED:
            move, message = Move.REPEAT_LATER, job.message
            self.job_writer.move(job, move, job.reason, wait=wait, known=known, message=message)
        elif known != job:
            self.job_writer.record(job, known)


def _is_unverified(job: Job, attempt: Attempt) -> bool:
    """Whether the job waits for this attempt's outcome and no answer has named its task."""
    return job.state in UNDECIDED and attempt == job.attempt and attempt.task_id is None
