"""Tracking a task until it ends, after a callback or when Sweep polls.

A callback is only a trigger: the task's status is always read from the API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Unpack

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import StoreBusyError, TaskUnknownError, TransientError
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.conflicts import JobMovedError, TaskTakenError
from cutout.domain.job.job import Job, JobChanges
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.metrics import Metric
from cutout.domain.polling import LastAnswer, may_become_known, wait_before_read
from cutout.domain.provider import Task, TaskStatus
from cutout.domain.retry_policy import Verdict, decide_task_failure
from cutout.domain.states import UNDECIDED, AttemptOutcome, Move, Reason, State, Transport
from cutout.domain.timing import Randomness, Timing
from cutout.ports.jobs_table import Jobs, LatestVersions
from cutout.ports.provider_api import Provider
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.recheck_attempts import after_recheck, is_rechecking, still_running
from cutout.usecases.shared.step_failures import StepFailures
from cutout.usecases.shared.superseded import why_superseded
from cutout.usecases.store_result.unverified_task import UnverifiedTasks

_RACES = 3
"""Lost races before the message is left to a later delivery."""
_TRACKED = frozenset({State.PROCESSING, State.STORING})
TRACKED = _TRACKED | {State.UNCONFIRMED}
"""States in which StoreResult moves a job, and counts its failed steps."""
_GIVING_UP = {
    State.PROCESSING: Reason.DEADLINE_PASSED,
    State.STORING: Reason.RESULT_LOST,
}


@dataclass(frozen=True, kw_only=True)
class TrackTask:
    """Reads the task of one attempt and moves its job."""

    job_writer: JobWriter
    latest_versions: LatestVersions
    submissions: SubmissionQueue
    clock: Clock
    telemetry: Telemetry
    failures: StepFailures
    jobs: Jobs
    provider: Provider
    unverified_tasks: UnverifiedTasks
    store: Callable[[Job, Task], Job]
    reuse: Callable[[Job], Job]
    decide: Callable[[Job], Job]
    timing: Timing
    randomness: Randomness

    def check(self, request: TaskCheck) -> None:
        """Process a callback or a poll.

        Raises:
            TransientError: the task cannot be read now and only this message names it, or other
                workers moved the job each time.
        """
        # After a lost race the message is processed again on the winner's version of the job:
        # only this message may know the task of a call whose outcome was lost.
        job = self.jobs.find(request.job_id)
        for _ in range(_RACES):
            if job is None:
                self.telemetry.log("message for an unknown job")
                return
            self.telemetry.log("job processed", state=job.state, key=job.source.key)
            try:
                self.failures.guard(job, lambda job: self._follow(job, request))
            except JobMovedError as lost:
                self.telemetry.log("another worker moved the job")
                job = lost.winner
            else:
                return
        raise StoreBusyError("other workers moved the job each time that its task was read")

    def _follow(self, job: Job, request: TaskCheck) -> None:
        if job.state.is_settled and not job.is_announced:
            job = self.job_writer.announce(job)
        else:
            self.job_writer.reapply_effects(job)
        if job.is_being_decided:
            # By the clock of the person's machine it may not be due yet, but nobody has the lease.
            self._with_lease(job, self.decide, is_free=job.tries == 0)
            return
        if job.state is State.STORING and job.reused is not None:
            self._with_lease(job, self.reuse)
            return
        attempt = job.attempt_numbered(request.attempt)
        if attempt is None or not attempt.is_open:
            return
        if job.state is State.STORING and not job.is_due(self.clock.now()):
            return
        self._ask(job, attempt, request)

    def _ask(self, job: Job, attempt: Attempt, request: TaskCheck) -> None:
        """Read the attempt's task by the most reliable id: recorded, in the message, unverified."""
        if request.is_taken:
            job = self.unverified_tasks.callback_received(job, attempt, request.task_id)
            attempt = job.attempt_numbered(request.attempt) or attempt
        task_id = attempt.task_id or request.task_id or attempt.named_task
        if task_id is None:
            return
        try:
            self._look(job, attempt, task_id, request)
        except TaskTakenError:
            self._not_ours(job, attempt)

    def _with_lease(self, job: Job, step: Callable[[Job], Job], *, is_free: bool = False) -> None:
        """Take the lease, then end the job from a stored result; no task is read."""
        now = self.clock.now()
        if not is_free and not job.is_due(now):
            return
        storing = job.move(
            Move.FETCH,
            now=now,
            reason=job.reason,
            message=job.message,
            due_at=now + self.timing.lease,
            failures=job.failures + 1,
            cut_short=job.cut_short + 1,
        )
        self.failures.guard(self.job_writer.record(job, storing), step)

    def _look(self, job: Job, attempt: Attempt, task_id: str, request: TaskCheck) -> None:
        try:
            task = self.provider.read(task_id)
        except TaskUnknownError:
            self._task_unknown(job, attempt, task_id)
        except TransientError as exc:
            if self.unverified_tasks.concerns(job, attempt):
                self.unverified_tasks.task_unreadable(job, attempt, task_id, str(exc))
            elif job.state in _TRACKED:
                self._read_later(job, str(exc))
            else:
                raise
        else:
            self._task_known(job, attempt, task, request)

    def _task_known(self, job: Job, attempt: Attempt, task: Task, request: TaskCheck) -> None:
        self.telemetry.log("task read", status=task.status, task_id=task.id)
        is_adopted = attempt.is_adopted or attempt.task_id is None
        if attempt.not_found_since is not None:
            attempt = replace(attempt, not_found_since=None)
            job = job.with_attempt(attempt)
        known = replace(attempt, task_id=task.id, is_adopted=is_adopted, named_task=None)
        match task.status:
            case TaskStatus.RUNNING:
                self._still_running(job, known)
            case TaskStatus.FAILED if self.unverified_tasks.is_answer_due(job, attempt):
                self.unverified_tasks.remember(job, attempt, task.id)
            case TaskStatus.FAILED:
                self._task_failed(job, known, task)
            case TaskStatus.COMPLETED:
                if request.is_poll and job.state is not State.STORING:
                    self.telemetry.metric(Metric.RECOVERED_BY_POLL)
                self._task_completed(job, known, task)

    def _not_ours(self, job: Job, attempt: Attempt) -> None:
        """Handle a task that belongs to another call.

        The attempt does not adopt it. If it had adopted it, its outcome is unknown again.
        """
        self.telemetry.log("the task belongs to another call", job_id=job.id)
        self.telemetry.metric(Metric.TASK_TAKEN)
        if is_rechecking(job) and attempt == job.tracked_attempt:
            self._go_on_asking(job, job.with_attempt(attempt.without_task()))
            return
        if attempt.task_id is None:
            self.unverified_tasks.forget(job, attempt)
            return
        if job.state.is_settled:
            return
        self._fail(job, job.with_attempt(attempt.without_task()), Reason.OUTCOME_UNKNOWN)

    def _still_running(self, job: Job, attempt: Attempt) -> None:
        """Check a running task again later; the attempt that the job tracks adopts its task."""
        if job.state not in UNDECIDED or not _is_tracked(job, attempt):
            self._wait(still_running(job, attempt), LastAnswer.RUNNING)
            return
        now = self.clock.now()
        adopted = job.with_attempt(replace(attempt, outcome=AttemptOutcome.ACCEPTED))
        due_at = now + self._wait_before_read(job, LastAnswer.RUNNING)
        self.job_writer.record(job, adopted.move(Move.ACCEPT, now=now, due_at=due_at))

    def _read_later(self, job: Job, message: str) -> None:
        """Read a task again later that the provider cannot report on now."""
        self._wait(job, LastAnswer.UNREADABLE, message)

    def _task_unknown(self, job: Job, attempt: Attempt, task_id: str) -> None:
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
        if may_become_known(now - since, self.timing):
            missing = replace(attempt, not_found_since=since)
            self._wait(job.with_attempt(missing), LastAnswer.UNKNOWN)
            return
        ended = attempt.ended(
            AttemptOutcome.UNKNOWN, code="task_not_found", is_asked_again=is_rechecking(job)
        )
        lost = job.with_attempt(ended)
        if is_rechecking(job):
            self._go_on_asking(job, lost)
        else:
            self._fail(job, lost, Reason.TASK_LOST, code="task_not_found", message=None)

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
        now = self.clock.now()
        if now - job.in_state_since >= self.timing.job_deadline:
            reason = Reason.DEADLINE_PASSED if is_rechecking(job) else _GIVING_UP[job.state]
            self._fail(job, job, reason, message=message)
            return
        move = Move.FETCH_LATER if job.state is State.STORING else Move.POLL_LATER
        due_at = now + self._wait_before_read(job, last)
        later = job.move(move, now=now, reason=job.reason, due_at=due_at, message=message)
        self.job_writer.record(job, later)

    def _wait_before_read(self, job: Job, last: LastAnswer) -> timedelta:
        return wait_before_read(last, job, self.timing, self.randomness)

    def _task_failed(self, job: Job, attempt: Attempt, task: Task) -> None:
        """Retry with back-off where the error code allows it; otherwise end the job.

        A task that only a callback's body named may be another call's, whose answer was lost: the
        API does not tell. The job's own call may still be charged, so nothing more is paid: the job
        ends, a callback may still bring its result, and a person may retry it.
        """
        ended = job.with_attempt(
            attempt.without_task()
            if attempt.is_adopted
            else attempt.ended(
                AttemptOutcome.FAILED,
                credits_used=task.credits_used,
                code=task.code,
                message=task.message,
            ),
        )
        if is_rechecking(job) and _is_tracked(job, attempt):
            self._go_on_asking(job, ended)
            return
        # A person retried a queued job after it had failed: another attempt decides.
        if job.state.is_settled or job.state is State.QUEUED or not _is_tracked(job, attempt):
            after = ended
        elif superseded := why_superseded(self.latest_versions, job):
            after = self._settled(ended, Move.SUPERSEDE, superseded)
        else:
            after = self._retried(job, ended, attempt, task) or self._settled(
                ended, Move.FAIL, Reason.TASK_FAILED, code=task.code, message=task.message
            )
        self.job_writer.record(job, after, decided_by=attempt)

    def _retried(self, before: Job, ended: Job, attempt: Attempt, task: Task) -> Job | None:
        """The job once its failed task is to be retried; None if it is not."""
        earlier = sum(a.outcome is AttemptOutcome.FAILED for a in before.attempts)
        transport = Transport.FILES if attempt.file_id else Transport.PRESIGNED
        decision = decide_task_failure(task, earlier, transport)
        is_again = decision.verdict is Verdict.AGAIN and before.state.holds_slot
        if attempt.is_adopted or not is_again or not decision.delay:
            return None
        now = self.clock.now()
        return ended.move(
            Move.RETRY_TASK,
            now=now,
            reason=Reason.TASK_RETRIED,
            due_at=now + decision.delay * (1 + 0.5 * self.randomness()),
            transport=decision.transport or before.transport,
            code=task.code,
            message=task.message,
        )

    def _task_completed(self, job: Job, attempt: Attempt, task: Task) -> None:
        """Take the lease, then store the result."""
        if job.state.is_settled and job.state not in {State.FAILED, State.REJECTED}:
            self._note_late_success(job, attempt, task)
            return
        now = self.clock.now()
        known = replace(
            attempt,
            outcome=AttemptOutcome.ACCEPTED,
            credits_used=task.credits_used,
            is_asked_again=attempt.is_asked_again or is_rechecking(job),
        )
        storing = job.with_attempt(known).move(
            Move.FETCH,
            now=now,
            reason=job.reason if job.state is State.STORING else None,
            message=job.message if job.state is State.STORING else None,
            due_at=now + self.timing.lease,
            storing_attempt=attempt.number,
            decision=None,
            failures=job.failures + 1 if job.state is State.STORING else 1,
            cut_short=job.cut_short + 1 if job.state is State.STORING else 1,
        )
        leased = self.job_writer.record(job, storing, decided_by=known)
        self.failures.guard(leased, lambda leased: self.store(leased, task))

    def _note_late_success(self, job: Job, attempt: Attempt, task: Task) -> None:
        """Record the charge for a second attempt of a settled job, whose result is not used.

        In `review` there is no cut-out yet: the attempt stays open, so that a retry rechecks it.
        """
        is_in_review = job.state is State.REVIEW
        outcome = AttemptOutcome.ACCEPTED if is_in_review else AttemptOutcome.SUCCEEDED
        charged = attempt.ended(outcome, credits_used=task.credits_used)
        self.job_writer.record(job, job.with_attempt(charged))

    def _fail(
        self,
        before: Job,
        job: Job,
        reason: Reason,
        *,
        code: str | None = None,
        message: str | None = None,
    ) -> None:
        self.job_writer.record(
            before,
            self._settled(job, Move.FAIL, reason, code=code, message=message),
        )

    def _settled(self, job: Job, move: Move, reason: Reason, **changes: Unpack[JobChanges]) -> Job:
        now = self.clock.now()
        return job.settle(move, now=now, retention=self.timing.retention, reason=reason, **changes)


def _is_tracked(job: Job, attempt: Attempt) -> bool:
    return job.tracked_attempt is not None and job.tracked_attempt.number == attempt.number
