"""What follows when a task has no result: it runs, failed, or cannot be read."""

from __future__ import annotations

from dataclasses import replace

from cutout.domain.dataclass import dataclass
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.recheck import after_recheck, still_running
from cutout.domain.provider_outcomes import Task
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import Verdict, decide_task_failure
from cutout.domain.states import UNDECIDED, AttemptOutcome, Move, State
from cutout.domain.timing import LastAnswer, Randomness, Timing
from cutout.ports.jobs_table import LatestVersions
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.store_result.unverified_task import UnverifiedTasks

_TRACKED = frozenset({State.PROCESSING, State.STORING})


@dataclass(frozen=True, kw_only=True)
class UnfinishedTasks:
    """Has the task read again later, makes another call, or ends the job."""

    job_writer: JobWriter
    latest_versions: LatestVersions
    submissions: SubmissionQueue
    unverified_tasks: UnverifiedTasks
    clock: Clock
    timing: Timing
    randomness: Randomness

    def running(self, job: Job, attempt: Attempt) -> None:
        """Check a running task again later; the attempt that the job tracks adopts its task."""
        if job.state not in UNDECIDED or not job.tracks(attempt):
            self._wait(still_running(job, attempt), LastAnswer.RUNNING)
            return
        adopted = job.with_attempt(replace(attempt, outcome=AttemptOutcome.ACCEPTED))
        wait = self.timing.wait_before_read(LastAnswer.RUNNING, job.tries, self.randomness)
        self.job_writer.move(job, Move.ACCEPT, None, wait=wait, known=adopted)

    def unknown(self, job: Job, attempt: Attempt, task_id: str) -> None:
        """Ask again for a while: a new task may be unknown, and a lost one must stay unknown.

        The task of an earlier attempt is ignored, because the job no longer depends on it.
        """
        if self.unverified_tasks.concerns(job, attempt):
            self.unverified_tasks.task_unknown(job, attempt, task_id)
            return
        if job.state not in _TRACKED or attempt != job.tracked_attempt:
            return
        now = self.clock.now()
        since = attempt.not_found_since or now
        if self.timing.may_become_known(now - since):
            missing = replace(attempt, not_found_since=since)
            self._wait(job.with_attempt(missing), LastAnswer.UNKNOWN)
            return
        ended = attempt.ended(
            AttemptOutcome.UNKNOWN, code="task_not_found", is_asked_again=job.is_rechecking
        )
        lost = job.with_attempt(ended)
        if job.is_rechecking:
            self._go_on_asking(job, lost)
        else:
            settle = self.job_writer.settle
            settle(job, Move.FAIL, Reason.TASK_LOST, known=lost, code="task_not_found")

    def unreadable(self, job: Job, attempt: Attempt, task_id: str, message: str) -> bool:
        """Ask again later; False if nobody polls for this attempt."""
        if self.unverified_tasks.concerns(job, attempt):
            self.unverified_tasks.task_unreadable(job, attempt, task_id, message)
        elif job.state in _TRACKED:
            self._wait(job, LastAnswer.UNREADABLE, message)
        else:
            return False
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
        if self.unverified_tasks.is_answer_due(job, read):
            self.unverified_tasks.remember(job, read, task.id)
            return
        ended = attempt.without_task()
        if not attempt.is_adopted:
            ended = replace(
                attempt.ended(AttemptOutcome.FAILED, credits_used=task.credits_used),
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
        """The task belongs to another call: the attempt has none that is known."""
        if job.is_rechecking and attempt == job.tracked_attempt:
            self._go_on_asking(job, job.with_attempt(attempt.without_task()))
        else:
            self.unverified_tasks.belongs_to_another(job, attempt)

    def _retry_or_fail(self, job: Job, known: Job, attempt: Attempt, task: Task) -> None:
        """Do what the retry policy decides about the failed task."""
        earlier = sum(a.outcome is AttemptOutcome.FAILED for a in job.attempts)
        decision = decide_task_failure(task, earlier, attempt.transport)
        is_again = decision.verdict is Verdict.AGAIN and job.state.holds_slot
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

    def _wait(self, job: Job, last: LastAnswer, message: str | None = None) -> None:
        """Check again later, within the deadline; jobs that do not wait for a task stay as is."""
        if job.state not in _TRACKED:
            return
        has_result = job.state is State.STORING and not job.is_rechecking
        if self.clock.now() - job.in_state_since >= self.timing.job_deadline:
            reason = Reason.RESULT_LOST if has_result else Reason.DEADLINE_PASSED
            self.job_writer.settle(job, Move.FAIL, reason, message=message)
            return
        move = Move.FETCH_LATER if job.state is State.STORING else Move.POLL_LATER
        wait = self.timing.wait_before_read(last, job.tries, self.randomness)
        self.job_writer.move(job, move, job.reason, wait=wait, message=message)
