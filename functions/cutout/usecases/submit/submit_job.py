"""Submitting a job: check the photo, pass the gate, record the attempt, then make the paid call.

Only the worker whose conditional write moved the job to `submitting` makes the call, and every
outcome of the call is recorded. If the worker crashes, its lease expires and Sweep enqueues the
job.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from itertools import chain

from cutout.domain.errors import (
    CopyGoneError,
    NeedsPreparingError,
    NewerRowError,
    NotAPhotoError,
    SourceGoneError,
)
from cutout.domain.gate import Gate, Limits
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.conflicts import JobMovedError, TaskTakenError
from cutout.domain.job.dedup_record import Kept
from cutout.domain.job.job import Job
from cutout.domain.job.result import Reuse
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.provider import Accepted, CreateOutcome, NotSent, Refused, Uploaded
from cutout.domain.states import Move, Reason, State
from cutout.domain.timing import Timing
from cutout.ports.jobs_table import Backlog, CallBody, Gates, LatestVersions
from cutout.ports.provider_api import Provider
from cutout.ports.queues import CallbackQueue
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.admission import AdmissionScheduler, with_gate
from cutout.usecases.shared.deduplication import DedupDecision, Deduplication
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.step_failures import StepFailures
from cutout.usecases.shared.superseded import why_superseded
from cutout.usecases.submit.call_identity import CallIdentity
from cutout.usecases.submit.call_outcome import CallOutcomes
from cutout.usecases.submit.copy_requests import CopyRequests
from cutout.usecases.submit.photo_access import PhotoAccess
from cutout.usecases.submit.precheck import Precheck
from cutout.usecases.submit.repeat_call import RepeatCalls
from cutout.usecases.submit.waiting_jobs import WaitingJobs


@dataclass(frozen=True, kw_only=True)
class SubmitJob:
    """Moves one job as far as it can go without waiting."""

    job_writer: JobWriter
    backlog: Backlog
    gates: Gates
    latest_versions: LatestVersions
    admission: AdmissionScheduler
    deduplication: Deduplication | None
    clock: Clock
    telemetry: Telemetry
    limits: Limits
    failures: StepFailures
    waiting_jobs: WaitingJobs
    call_outcomes: CallOutcomes
    repeat_calls: RepeatCalls
    precheck: Precheck
    copy_requests: CopyRequests
    photo_access: PhotoAccess
    provider: Provider
    callbacks: CallbackQueue
    timing: Timing
    call_identity: CallIdentity

    def advance(self, job: Job) -> Job:
        """Move the job; returns it as stored, by this worker or by another one that was faster."""
        try:
            return self.failures.guard(job, self._advance).job
        except JobMovedError as lost:
            return lost.winner or job

    def advance_or_next(self, job: Job) -> None:
        """Move an enqueued job, or the next waiting job if that one cannot use the free slot.

        A job whose step fails makes way for the next one. After `_MOST_FAILED` failures the cause
        is probably not the photo, so the rest waits for Sweep: an outage must not postpone
        every waiting job.
        """
        # The message of a freed slot names a job that another worker may have admitted already.
        # The slot is then still free, and the next waiting job takes it.
        failed = 0
        for candidate in chain([job], self.waiting_jobs.waiting()):
            try:
                step = self.failures.guard(candidate, self._advance)
            except (JobMovedError, NewerRowError):
                continue
            moved = step.job
            if _leaves_its_turn(candidate, moved) or (step.is_denied and candidate.is_waiting):
                self.admission.enqueue_waiting(most=1)
            elif step.error is not None:
                failed += 1
                if failed < _MOST_FAILED:
                    continue
            if not moved.is_being_prepared and (moved is not candidate or candidate.is_waiting):
                return

    def _advance(self, job: Job) -> Job:
        self.telemetry.log(
            "job processed",
            job_id=job.id,
            state=job.state,
            key=job.source.key,
        )
        now = self.clock.now()
        if job.state is State.QUEUED and not job.is_backing_off(now):
            return self._start(job)
        if job.state is State.SUBMITTING and job.is_due(now):
            return self.call_outcomes.lease_expired(job)
        if job.state is State.UNCONFIRMED and job.is_due(now) and not job.has_unverified_task:
            return self._repeat(job)
        self.job_writer.reapply_effects(job)
        return job

    def _start(self, job: Job) -> Job:
        superseded = why_superseded(self.latest_versions, job)
        if superseded:
            return self.waiting_jobs.settle(job, Move.SUPERSEDE, superseded)
        try:
            job = self.precheck.checked(job)
            self.copy_requests.require_copies(job)
            return self._take_turn(job)
        except NotAPhotoError as exc:
            if isinstance(exc, NeedsPreparingError) and self.copy_requests.queue:
                return self.copy_requests.request(job, exc)
            return self.waiting_jobs.settle(job, Move.REJECT, exc.reason, message=str(exc))
        except SourceGoneError:
            return self.waiting_jobs.settle(job, Move.SUPERSEDE, Reason.SOURCE_DELETED)

    def _take_turn(self, job: Job) -> Job:
        """Go to the gate, unless another job processes the same photo, or its result is cached."""
        if self.deduplication is None:
            return self._pass_gate(job)
        turn = self.deduplication.decide(job)
        if isinstance(turn, Kept):
            return self._reuse(job, turn)
        if turn is DedupDecision.WAIT:
            return self._wait_for_picture(job)
        return self._pass_gate(replace(job, is_owner=True))

    def _reuse(self, job: Job, kept: Kept) -> Job:
        """Complete the job from a cached result: no slot, no credits, straight to StoreResult."""
        now = self.clock.now()
        reused = Reuse(
            job_id=kept.job_id,
            key=kept.key,
            sha256=kept.sha256,
            task_id=kept.task_id,
            credits_saved=kept.credits,
            is_of_copy=kept.is_of_copy,
        )
        # Due at once: if the message below is lost, Sweep sends it again.
        storing = job.move(
            Move.FETCH,
            now=now,
            due_at=now,
            reused=reused,
            is_owner=False,
            storing_attempt=None,
        )
        saved = self.job_writer.record(job, storing)
        self.callbacks.enqueue([TaskCheck(job_id=job.id, attempt=0)])
        return saved

    def _wait_for_picture(self, job: Job) -> Job:
        """Wait for the owner of the same photo, which enqueues this job when it is done."""
        now = self.clock.now()
        # If the owner's message is lost, the job checks again by itself, less and less often.
        wait = min(_LONGEST_WAIT, max(self.timing.poll_interval, now - job.created_at))
        waiting = job.move(
            Move.HOLD,
            now=now,
            reason=Reason.SAME_PICTURE,
            due_at=now + wait,
            is_owner=False,
        )
        return self.job_writer.record(job, waiting)

    def _pass_gate(self, job: Job) -> Job:
        """Admit the job and make the call, or let the job wait at the gate."""
        if not job.is_waiting and self.backlog.waiting(1):
            return self.waiting_jobs.hold(job, Reason.BEHIND_OTHERS)
        # Handed over once, however often the gate is read.
        hand_over = cache(partial(self._hand_over, job))

        def pass_it(gate: Gate) -> Job:
            closed = gate.why_closed(self.limits, self.clock.now())
            if closed:
                return self.waiting_jobs.hold(job, closed)
            handed = hand_over()
            if not isinstance(handed, Uploaded):
                return self.waiting_jobs.handover_failed(job, handed)
            try:
                return self._post(*self._admit(job, gate, handed))
            except TaskTakenError:
                return self.call_outcomes.task_was_taken(job)

        return with_gate(self.gates, pass_it)

    def _hand_over(self, job: Job) -> Uploaded | Refused | NotSent:
        self.copy_requests.require_recent_copy(job)
        refused = self.provider.get_ready()
        if refused:
            return refused
        try:
            return self.photo_access.url(job, _next_number(job))
        except CopyGoneError as exc:
            raise NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, str(exc)) from exc

    def _admit(self, job: Job, gate: Gate, handed: Uploaded) -> tuple[Job, str]:
        """Record the attempt with its body and take the slot, in one transaction."""
        now = self.clock.now()
        number = _next_number(job)
        text = self.provider.call_body(
            handed.url, self.call_identity.callback_url(job.id, number, now)
        )
        attempt = Attempt(
            number=number,
            idempotency_key=self.call_identity.idempotency_key(job.id, number),
            file_id=handed.file_id or None,
            started_at=now,
            day=gate.day if gate.day > now.date() else None,
            credits_reserved=gate.price,
        )
        submitting = job.with_attempt(attempt).move(
            Move.ADMIT,
            now=now,
            due_at=now + self.timing.lease,
            handovers_failed=0,
            preparations=0,
        )
        body = CallBody(attempt=number, text=text, expires_at=now + 2 * self.timing.job_deadline)
        admitted = gate.admitting(now, self.timing.lease)
        return self.job_writer.admit(job, submitting, admitted, body), text

    def _repeat(self, job: Job) -> Job:
        """Repeat an unconfirmed call after its grace time, with the same body and key."""
        refused = self.provider.get_ready()
        if refused:
            self.call_outcomes.pause(refused)
        body = self.repeat_calls.body_of(job)
        again = self.repeat_calls.decide(job, body)
        return self._post(again, body) if again.state is State.SUBMITTING else again

    def _post(self, job: Job, body: str | None) -> Job:
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


def _leaves_its_turn(waited: Job, job: Job) -> bool:
    """Whether a waiting job left the gate's queue without requesting a slot.

    A job that backs off because the provider did not take its photo does not count: the next job
    would fail as well, so the slot waits for Sweep.
    """
    has_tried = len(job.attempts) > len(waited.attempts) or job.reason is Reason.BACKING_OFF
    return waited.is_waiting and not job.is_waiting and not has_tried


def _next_number(job: Job) -> int:
    return job.attempt.number + 1 if job.attempt else 1


SUBMITTED = frozenset({State.QUEUED, State.SUBMITTING, State.UNCONFIRMED})
"""States in which Submit moves a job, and counts its failed steps."""
_MOST_FAILED = 3
"""Jobs whose steps may fail while one message is processed."""
_LONGEST_WAIT = timedelta(hours=1)
