"""What follows when a task has no result: it runs, failed, or cannot be read.

A callback proves that the provider took the call, since only the call contains its URL: the call is
never repeated. The task that the body names is not proved. Its id stays on the attempt, in every
state of the job, until a read of it is final: the API describes the task, or has not known it for
as long as a new task may be unknown. Before that, nothing more is paid.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cutout.domain.dataclass import dataclass
from cutout.domain.job.attempt import TAKEN_UNNAMED, Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.recheck import after_recheck, still_running
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.polling_and_timing import UNKNOWN_TASK_WAIT, Randomness, Timing
from cutout.domain.provider_outcomes import Task
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import Remedy, decide_task_failure
from cutout.domain.states import HOLDING, UNDECIDED, AttemptOutcome, Move, State
from cutout.ports.jobs_table import TaskTakenError
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.notes_and_tags import ShownVersions

_TRACKED = frozenset({State.PROCESSING, State.STORING})


@dataclass(frozen=True, kw_only=True)
class UnfinishedTasks:
    """Has the task read again later, makes another call, or ends the job."""

    job_writer: JobWriter
    shown_versions: ShownVersions
    submissions: SubmissionQueue
    clock: Clock
    timing: Timing
    randomness: Randomness

    def callback_received(self, job: Job, attempt: Attempt, request: TaskCheck) -> Job:
        """Record that a callback came, and the task that it names; returns the job as stored."""
        task_id, known = request.task_id, attempt
        if request.is_taken and _is_unverified(job, attempt):
            known = replace(attempt, is_taken=True)
        # A second name waits in the queue until a read of the first is final.
        if task_id is not None and attempt.named_task is None and attempt.may_have(task_id):
            known = known.naming(task_id)
        if known == attempt:
            return job
        after = job.with_attempt(known)
        if task_id is None and job.state is State.UNCONFIRMED:
            after = replace(after, message=TAKEN_UNNAMED)
        return self.job_writer.record(job, after)

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
        now, is_unverified = self.clock.now(), _is_unverified(job, attempt)
        if attempt.task_id not in {None, task_id}:
            # It is read again when the task that the job depends on has no result.
            return
        if not is_unverified and (job.state not in _TRACKED or not job.tracks(attempt)):
            return
        since = attempt.not_found_since or now
        if self.timing.may_become_known(now - since):
            missing = job.with_attempt(replace(attempt, not_found_since=since))
            if is_unverified:
                self._record(job, missing, UNKNOWN_TASK_WAIT)
            else:
                self._wait(missing, UNKNOWN_TASK_WAIT)
            return
        if is_unverified:
            self._forget(job, attempt)
            return
        if self._has_another_task(job, attempt, task_id):
            return
        ended = replace(
            attempt.without_result(),
            code="task_not_found",
            is_asked_again=job.is_rechecking,
        )
        lost = job.with_attempt(ended)
        if job.is_rechecking:
            self._go_on_asking(job, lost)
        else:
            settle = self.job_writer.settle
            settle(job, Move.FAIL, Reason.TASK_LOST, known=lost, code="task_not_found")

    def unreadable(self, job: Job, attempt: Attempt, message: str) -> bool:
        """Ask again later; False if nobody polls for this attempt."""
        wait = self.timing.wait_before_read(job.tries, self.randomness, is_readable=False)
        if job.state in _TRACKED:
            self._wait(job, wait, message)
        elif not _is_unverified(job, attempt):
            return False
        elif self.clock.now() - attempt.started_at >= self.timing.job_deadline:
            self.job_writer.settle(job, Move.FAIL, Reason.OUTCOME_UNKNOWN, message=message)
        else:
            self._record(job, job, wait)
        return True

    def failed(self, job: Job, read: Attempt, attempt: Attempt, task: Task) -> None:
        """Retry with back-off where the error code allows it; otherwise end the job.

        A task that only a callback's body named may be another call's, whose answer was lost: the
        API does not tell. The job's own call may still be charged, so nothing more is paid: the job
        ends, a callback may still bring its result, and a person may retry it.

        `read` is the attempt as it was read, `attempt` the same with the task's id.
        """
        if job.state is State.SUBMITTING and _is_unverified(job, read):
            # The call is still being made; its own answer will name and prove the task.
            return
        if self._has_another_task(job, read, task.id):
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
        elif superseded := self.shown_versions.why_superseded(job):
            settle = self.job_writer.settle
            settle(job, Move.SUPERSEDE, superseded, known=known, decided_by=attempt)
        else:
            self._retry_or_fail(job, known, attempt, task)

    def of_another_call(self, job: Job, attempt: Attempt, task_id: str) -> None:
        """The task is another call's: the attempt does not adopt it, or gives it up.

        A job that depends on it ends: nothing names its own task any more but another callback.
        """
        if self._has_another_task(job, attempt, task_id):
            return
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
        is_again = decision.remedy is Remedy.AGAIN and job.state in HOLDING
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
        nameless = job.with_attempt(replace(attempt, named_task=None, not_found_since=None))
        if not _is_unverified(job, attempt):
            self.job_writer.record(job, nameless)
            return
        # While the id was known, it was read in place of a repeat: now the grace time counts.
        until_grace_ends = job.entered_at + self.timing.unconfirmed_grace
        self._record(job, nameless, until_grace_ends - self.clock.now())

    def _has_another_task(self, job: Job, attempt: Attempt, task_id: str) -> bool:
        """Turn to the attempt's other task if it has one, as this one has no result."""
        other = attempt.other_than(task_id)
        if other is None:
            return False
        known = job.with_attempt(other)
        try:
            if other.task_id != attempt.task_id and job.state in _TRACKED and job.tracks(attempt):
                self._wait(known, timedelta(0))
            elif known != job:
                self.job_writer.record(job, known)
        except TaskTakenError:
            # The other task is another call's: the next read of this one decides without it.
            self.job_writer.record(job, job.with_attempt(replace(attempt, named_task=None)))
        return True

    def _record(self, job: Job, known: Job, wait: timedelta) -> None:
        if job.state is State.UNCONFIRMED:
            move, message = Move.REPEAT_LATER, job.message
            self.job_writer.move(job, move, job.reason, wait=wait, known=known, message=message)
        elif known != job:
            self.job_writer.record(job, known)


def _is_unverified(job: Job, attempt: Attempt) -> bool:
    """Whether the job waits for this attempt's outcome and no answer has named its task."""
    return job.state in UNDECIDED and attempt == job.attempt and attempt.task_id is None
