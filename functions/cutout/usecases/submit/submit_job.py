"""Submitting a job: check the photo, pass the gate, record the attempt, then make the paid call.

Only the worker whose conditional write moved the job to `submitting` makes the call, and every
outcome of the call is recorded. If the worker crashes, its lease expires and Sweep enqueues the
job.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import (
    NeedsPreparingError,
    NewerRowError,
    NotAPhotoError,
    SourceGoneError,
)
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.provider_outcomes import Accepted, CreateOutcome
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import decide_refusal
from cutout.domain.states import Move, State
from cutout.ports.jobs_table import Backlog, JobMovedError, Jobs, LatestVersions
from cutout.ports.provider_api import Provider
from cutout.ports.queues import TaskCheckQueue
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.admission import AdmissionScheduler
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.step_failures import Step, StepFailures
from cutout.usecases.submit.admit_job import AdmitJob
from cutout.usecases.submit.call_outcome import CallOutcomes
from cutout.usecases.submit.copy_requests import CopyRequests
from cutout.usecases.submit.precheck import Precheck
from cutout.usecases.submit.repeat_call import RepeatCalls


@dataclass(frozen=True, kw_only=True)
class SubmitJob:
    """Moves one job as far as it can go without waiting."""

    job_writer: JobWriter
    jobs: Jobs
    backlog: Backlog
    latest_versions: LatestVersions
    admission: AdmissionScheduler
    clock: Clock
    telemetry: Telemetry
    failures: StepFailures
    call_outcomes: CallOutcomes
    repeat_calls: RepeatCalls
    precheck: Precheck
    copy_requests: CopyRequests
    admit_job: AdmitJob
    provider: Provider
    callbacks: TaskCheckQueue

    def advance(self, job: Job, newest: LatestVersion | None = None) -> None:
        """Move a job; if it leaves a free slot unused, move the oldest waiting job, too.

        A job whose step fails makes way for the next one. After `_MOST_FAILED` failures the cause
        is probably not the photo, so the rest waits for Sweep: an outage must not postpone
        every waiting job. Photos to which S3 denies access do not count: others may be readable.

        Args:
            job: the job.
            newest: the newest upload of its key, if it was just read.
        """
        # The message of a freed slot names a job that another worker may have admitted already.
        # The slot is then still free, and the next waiting job takes it. So does an upload that
        # finds a free slot while others wait: their messages may be far behind in the queue.
        failed = 0
        for candidate in chain([job], self.waiting()):
            try:
                with self.failures.guard(candidate) as step:
                    step.job = self._advance(candidate, newest if candidate is job else None)
            except (JobMovedError, NewerRowError):
                continue
            failed += step.error is not None and not step.is_denied
            if failed == _MOST_FAILED or not _leaves_the_slot(candidate, step):
                return
        self.admission.enqueue_next()

    def waiting(self) -> Iterator[Job]:
        """The jobs that wait at the gate, by priority; jobs that were admitted are skipped."""
        for job_id in self.backlog.waiting(_CANDIDATES):
            # A row that a newer version wrote must not block other jobs.
            with suppress(NewerRowError):
                job = self.jobs.find(job_id)
                if job is not None and job.is_waiting:
                    yield job

    def _advance(self, job: Job, newest: LatestVersion | None) -> Job:
        self.telemetry.log(
            "job processed",
            job_id=job.id,
            state=job.state,
            key=job.source.key,
        )
        now = self.clock.now()
        if job.state is State.QUEUED and not job.is_backing_off(now):
            return self._start(job, newest)
        if job.state is State.SUBMITTING and job.is_due(now):
            return self.call_outcomes.lease_expired(job)
        if job.state is State.UNCONFIRMED and job.is_due(now) and not job.has_unverified_task:
            return self._repeat(job)
        self.job_writer.reapply_effects(job)
        return job

    def _start(self, job: Job, newest: LatestVersion | None) -> Job:
        # Nothing may be paid for a photo that was replaced while its job waited.
        head = newest or self.latest_versions.newest(job.source.ref)
        superseded = job.why_superseded_by(head)
        if superseded:
            return self.job_writer.settle(job, Move.SUPERSEDE, superseded)
        try:
            job = self.precheck.checked(job)
            self.precheck.require_copies(job)
            return self._call(*self.admit_job.admit(job))
        except NotAPhotoError as exc:
            if isinstance(exc, NeedsPreparingError) and self.copy_requests.queue:
                return self.copy_requests.request(job, exc)
            return self.job_writer.settle(job, Move.REJECT, exc.reason, message=str(exc))
        except SourceGoneError:
            return self.job_writer.settle(job, Move.SUPERSEDE, Reason.SOURCE_DELETED)

    def _repeat(self, job: Job) -> Job:
        """Repeat an unconfirmed call after its grace time, with the same body and key."""
        refused = self.provider.get_ready()
        if refused:
            self.call_outcomes.pause(decide_refusal(refused), refused)
        body = self.repeat_calls.body_of(job)
        again = self.repeat_calls.decide(job, body)
        return self._call(again, body) if again.state is State.SUBMITTING else again

    def _call(self, job: Job, body: str | None) -> Job:
        attempt = job.attempt
        if attempt is None or body is None:
            return job
        outcome = self.provider.create(body, attempt.idempotency_key)
        try:
            recorded = self.call_outcomes.record(job, attempt.number, outcome)
        except Exception:
            # Nothing else holds the task's id: without this message, the call would be repeated
            # if callbacks are off, and might be paid twice.
            self._check_task(job, attempt.number, outcome)
            raise
        if isinstance(outcome, Accepted) and outcome.is_completed:
            self._check_task(job, attempt.number, outcome)
        return recorded

    def _check_task(self, job: Job, number: int, outcome: CreateOutcome) -> None:
        """Have StoreResult read the task of an accepted call, as after a callback."""
        if isinstance(outcome, Accepted):
            self.telemetry.log("task check requested", task_id=outcome.task_id)
            check = TaskCheck(job_id=job.id, attempt=number, task_id=outcome.task_id, is_taken=True)
            self.callbacks.enqueue([check])


def _leaves_the_slot(candidate: Job, step: Step) -> bool:
    """Whether a slot is free that this job does not take, so that the next one may.

    A job that backs off because the provider did not take its photo does not count: the next job
    would fail as well, so the slot waits for Sweep.
    """
    moved = step.job
    if step.error is not None:
        return candidate.is_waiting
    if moved.is_waiting:
        return moved.reason is Reason.BEHIND_OTHERS
    if not candidate.is_waiting:
        return moved is candidate
    has_tried = len(moved.attempts) > len(candidate.attempts)
    return not has_tried and moved.reason is not Reason.BACKING_OFF


SUBMITTED = frozenset({State.QUEUED, State.SUBMITTING, State.UNCONFIRMED})
"""States in which Submit moves a job, and counts its failed steps."""
_CANDIDATES = 10
"""More than the workers that admit jobs at the same time."""
_MOST_FAILED = 3
"""Jobs whose steps may fail while one message is processed."""
