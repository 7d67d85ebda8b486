"""Tracking a task until it ends, after a callback or when Sweep polls.

A callback is only a trigger: the task's status is always read from the API.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import StoreBusyError, TaskUnknownError, TransientError
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import Task, TaskStatus
from cutout.domain.states import AttemptOutcome, Move, State
from cutout.ports.jobs_table import JobMovedError, Jobs, TaskTakenError
from cutout.ports.provider_api import Provider
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.step_failures import StepFailures
from cutout.usecases.store_result.review_decisions import ReviewDecisions
from cutout.usecases.store_result.store_result import StoreResult
from cutout.usecases.store_result.unfinished_task import UnfinishedTasks

_RACES = 3
"""Lost races before the message is left to a later delivery."""
TRACKED = frozenset({State.UNCONFIRMED, State.PROCESSING, State.STORING})
"""States in which StoreResult moves a job, and counts its failed steps."""


class _Message(NamedTuple):
    """What a message asks for, and whether jobs wait for a slot, as was read with its job."""

    request: TaskCheck
    others_wait: bool


@dataclass(frozen=True, kw_only=True)
class TrackTask:
    """Reads the task of one attempt and moves its job."""

    job_writer: JobWriter
    clock: Clock
    telemetry: Telemetry
    failures: StepFailures
    jobs: Jobs
    provider: Provider
    unfinished_tasks: UnfinishedTasks
    store_result: StoreResult
    review_decisions: ReviewDecisions
    lease: timedelta

    def check(self, request: TaskCheck) -> None:
        """Process a callback or a poll.

        Raises:
            TransientError: the task cannot be read now and only this message names it, or other
                workers moved the job each time.
        """
        # After a lost race the message is processed again on the winner's version of the job:
        # only this message may know the task of a call whose outcome was lost.
        job, others_wait = self.jobs.find_at_gate(request.job_id)
        # A job that begins to wait just now is enqueued for the next free slot, or by Sweep.
        message = _Message(request=request, others_wait=others_wait)
        for _ in range(_RACES):
            if job is None:
                self.telemetry.log("message for an unknown job")
                return
            self.telemetry.log("job processed", state=job.state, key=job.source.key)
            try:
                with self.failures.guard(job):
                    self._follow(job, message)
            except JobMovedError as lost:
                self.telemetry.log("another worker moved the job")
                job = lost.winner
            else:
                return
        raise StoreBusyError("other workers moved the job each time that its task was read")

    def _follow(self, job: Job, message: _Message) -> None:
        if job.is_announced:
            self.job_writer.reapply_effects(job)
        elif job.state.is_settled:
            job = self.job_writer.announce(job)
        if job.state is State.STORING:
            self._follow_storing(job, message)
        else:
            self._ask(job, message)

    def _follow_storing(self, job: Job, message: _Message) -> None:
        """Store the result again once the lease or the wait is over."""
        is_due = job.is_due(self.clock.now())
        if job.is_being_decided or job.reused is not None:
            # In the first entry of the state, nobody has the lease. It may not be due yet: its time
            # is that of another function's machine, or of a person's.
            if is_due or job.tries == 0:
                leased = self.job_writer.record(job, self._leased(job))
                with self.failures.guard(leased):
                    if job.is_being_decided:
                        self.review_decisions.carry_out(leased)
                    else:
                        self.store_result.reuse(leased)
            self._look_again(job, message.request)
        elif is_due:
            self._ask(job, message)
        elif _is_about_another_task(job, message.request):
            # Another worker has the lease: two would fetch and write the same result.
            self._look_again(job, message.request)

    def _look_again(self, job: Job, request: TaskCheck) -> None:
        """After another result is stored, process a callback that may alone name its task.

        Raises:
            JobMovedError: process it on the current job; if that is still in `storing`, later.
        """
        attempt = job.attempt_numbered(request.attempt)
        if attempt is None or request.is_poll:
            return
        if attempt.is_open or attempt.may_have(request.task_id):
            raise JobMovedError(self.jobs.find(job.id))

    def _leased(self, job: Job) -> Job:
        """The job while its result is stored.

        The step counts as failed until it has succeeded, as it may kill its worker. Steps of
        earlier states say nothing about the result, and do not count.
        """
        now = self.clock.now()
        is_again = job.state is State.STORING
        storing = job.move(
            Move.FETCH,
            now=now,
            reason=job.reason if is_again else None,
            message=job.message if is_again else None,
            due_at=now + self.lease,
        )
        return replace(storing, failures=storing.failures + 1, cut_short=storing.cut_short + 1)

    def _ask(self, job: Job, message: _Message) -> None:
        """Read the task that the message names if it may be the attempt's, else the known one."""
        request = message.request
        attempt = job.attempt_numbered(request.attempt)
        named = None if request.is_poll else request.task_id
        if attempt is None or not (attempt.is_open or attempt.may_have(named)):
            return
        known = attempt.task_id
        task_id = known or attempt.named_task
        if not request.is_poll and (known is None or named not in {None, known}):
            # Recorded before the task is read, which may fail: it is all that forbids a repeat.
            job = self.unfinished_tasks.callback_received(job, attempt, request)
            attempt = job.attempt_numbered(request.attempt) or attempt
            task_id = named if attempt.may_have(named) else task_id
        if task_id is None:
            return
        try:
            task = self.provider.read(task_id)
        except (TaskUnknownError, TransientError) as exc:
            self._not_read(job, attempt, task_id, exc)
        else:
            self._task_known(job, attempt, task, message)

    def _not_read(self, job: Job, attempt: Attempt, task_id: str, exc: Exception) -> None:
        """Read the task again later.

        Raises:
            TransientError: nobody else reads it, so the queue must deliver the callback again.
        """
        if task_id not in {attempt.task_id, attempt.named_task}:
            raise StoreBusyError("a callback names a second task before the first is read") from exc
        if isinstance(exc, TaskUnknownError):
            self.unfinished_tasks.unknown(job, attempt, task_id)
        elif not self.unfinished_tasks.unreadable(job, attempt, str(exc)):
            raise exc

    def _task_known(self, job: Job, attempt: Attempt, task: Task, message: _Message) -> None:
        self.telemetry.log("task read", status=task.status, task_id=task.id)
        is_tracked = attempt.task_id in {None, task.id}
        if is_tracked and attempt.not_found_since is not None:
            attempt = replace(attempt, not_found_since=None)
            job = job.with_attempt(attempt)
        # An id that no answer to the call has named came from a callback's body.
        is_adopted = attempt.is_adopted or attempt.task_id != task.id
        other = attempt.task_id if attempt.named_task == task.id else attempt.named_task
        known = replace(attempt, task_id=task.id, is_adopted=is_adopted, named_task=other)
        try:
            match task.status:
                case TaskStatus.RUNNING:
                    if is_tracked:
                        self.unfinished_tasks.running(job, known)
                case TaskStatus.FAILED:
                    self.unfinished_tasks.failed(job, attempt, known, task)
                case TaskStatus.COMPLETED:
                    if message.request.is_poll and job.state is not State.STORING:
                        self.telemetry.metric(Metric.RECOVERED_BY_POLL)
                    self._task_completed(job, known, task, others_wait=message.others_wait)
        except TaskTakenError:
            self.telemetry.log("the task belongs to another call", job_id=job.id)
            self.telemetry.metric(Metric.TASK_TAKEN)
            self.unfinished_tasks.of_another_call(job, attempt, task.id)

    def _task_completed(self, job: Job, attempt: Attempt, task: Task, *, others_wait: bool) -> None:
        """Take the lease, then store the result."""
        if job.state.is_settled and job.state not in {State.FAILED, State.REJECTED}:
            # The photo has another result, which may be in use, or must not get one.
            self._note_late_success(job, attempt, task)
            return
        known = replace(
            attempt,
            outcome=AttemptOutcome.ACCEPTED,
            credits_used=task.credits_used,
            is_asked_again=attempt.is_asked_again or job.is_rechecking,
        )
        leased = self._leased(job.with_attempt(known))
        # It may have ended for want of a cached result, or of a decision.
        storing = replace(leased, storing_attempt=attempt.number, decision=None, reused=None)
        saved = self.job_writer.record(job, storing, decided_by=known, others_wait=others_wait)
        with self.failures.guard(saved):
            self.store_result.store(saved, task)

    def _note_late_success(self, job: Job, attempt: Attempt, task: Task) -> None:
        """Record the charge for a second attempt of a settled job, whose result is not used.

        In `review` there is no cut-out yet: the attempt stays open, so that a retry rechecks it.
        """
        is_in_review = job.state is State.REVIEW
        outcome = AttemptOutcome.ACCEPTED if is_in_review else AttemptOutcome.SUCCEEDED
        charged = replace(attempt.ended(outcome), credits_used=task.credits_used)
        self.job_writer.record(job, job.with_attempt(charged))


def _is_about_another_task(job: Job, request: TaskCheck) -> bool:
    """Whether the message names another task than the one whose result is being stored."""
    attempt = job.attempt_numbered(request.attempt)
    if attempt is None or attempt != job.tracked_attempt:
        return True
    return request.task_id != attempt.named_task and attempt.may_have(request.task_id)
