"""Submitting a job: check the photo, pass the gate, record the attempt, then make the paid call.

Only the worker whose conditional write moved the job to `submitting` makes the call, and every
outcome of the call is recorded. If the worker crashes, its lease expires and Sweep enqueues the
job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import (
    NeedsPreparingError,
    NewerRowError,
    NotAPhotoError,
    SourceGoneError,
)
from cutout.domain.job.job import Job
from cutout.domain.job.recheck import next_to_recheck, rechecking
from cutout.domain.job.source import LatestVersion
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.messages.upload_marks import read_marks
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, check_size, inspect
from cutout.domain.polling_and_timing import LONGEST_BACK_OFF
from cutout.domain.provider_outcomes import Accepted, CreateOutcome, OutcomeUnknown
from cutout.domain.reasons import REFUSALS, Reason
from cutout.domain.recipes import OwnPixels
from cutout.domain.retry_policy import decide_refusal
from cutout.domain.states import Lane, Move, State
from cutout.ports.buckets import Uploads
from cutout.ports.jobs_table import Backlog, JobMovedError, Jobs
from cutout.ports.provider_api import Provider
from cutout.ports.queues import TaskCheckQueue
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.notes_and_tags import ShownVersions
from cutout.usecases.shared.step_failures import Step, StepFailures
from cutout.usecases.submit.admit_job import AdmitJob
from cutout.usecases.submit.call_outcome import CallOutcomes
from cutout.usecases.submit.copy_requests import CopyRequests
from cutout.usecases.submit.repeat_call import RepeatCalls


@dataclass(frozen=True, kw_only=True)
class SubmitJob:
    """Moves one job as far as it can go without waiting.

    Attributes:
        copies_are_made: False in a deployment without Prepare: photos are sent as they are.
        own_pixels: which cut-outs have their photo's own pixels.
    """

    job_writer: JobWriter
    jobs: Jobs
    backlog: Backlog
    shown_versions: ShownVersions
    uploads: Uploads
    clock: Clock
    telemetry: Telemetry
    failures: StepFailures
    call_outcomes: CallOutcomes
    repeat_calls: RepeatCalls
    copy_requests: CopyRequests
    admit_job: AdmitJob
    provider: Provider
    callbacks: TaskCheckQueue
    limits: PhotoLimits
    own_pixels: OwnPixels
    copies_are_made: bool

    def advance(self, job: Job, newest: LatestVersion | None = None) -> None:
        """Move a job; if it leaves a free slot unused, move the oldest waiting job, too.

        A job whose step fails makes way for the next one. After `_MOST_FAILED` failures the cause
        is probably not the photo, so the rest waits for Sweep: an outage must not postpone
        every waiting job. Photos to which S3 denies access do not count: others may be readable.
        `newest` is the newest upload of the job's key, if it was just read.
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
        self.job_writer.enqueue_next()

    def waiting(self) -> Iterator[Job]:
        """The jobs that wait at the gate, by priority; jobs that were admitted are skipped."""
        for job_id in self.backlog.waiting(_CANDIDATES):
            # A job that a newer version wrote must not block others.
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
        now, attempt = self.clock.now(), job.attempt
        if job.state is State.QUEUED and not job.is_backing_off(now):
            if job.cut_short >= _MOST_CUT_SHORT:
                return self.failures.end(job, _CHECKS_KILLED)
            return self._start(job, newest)
        if job.state is State.SUBMITTING and job.is_due(now) and attempt is not None:
            # Its worker crashed: whether it made the call is unknown.
            lost = OutcomeUnknown(message="the worker ended before the answer was recorded")
            return self.call_outcomes.record(job, attempt.number, lost)
        if job.state is State.UNCONFIRMED and job.is_due(now) and not job.has_unverified_task:
            return self._repeat(job)
        self.job_writer.reapply_effects(job)
        return job

    def _start(self, job: Job, newest: LatestVersion | None) -> Job:
        # Nothing may be paid for a photo that was replaced while its job waited.
        superseded = self.shown_versions.why_superseded(job, newest)
        if superseded:
            return self.job_writer.settle(job, Move.SUPERSEDE, superseded)
        unread = next_to_recheck(job, is_fresh=job.bypass_cache) if job.attempts else None
        if unread is not None:
            # A late callback or answer has named the task of an earlier attempt. Sweep has
            # StoreResult read it first.
            return self.job_writer.record(job, rechecking(job, unread, self.clock.now()))
        try:
            counted = self._counted(job)
            is_counted, job = counted is not job, counted
            job = self.checked(job)
            if is_counted:
                job = self.job_writer.record(job, job)
            self.require_copies(job)
            return self._call(*self.admit_job.admit(job))
        except NotAPhotoError as exc:
            if isinstance(exc, NeedsPreparingError) and self.copies_are_made:
                return self.copy_requests.request(job, exc)
            return self.job_writer.settle(job, Move.REJECT, exc.reason, message=str(exc))
        except SourceGoneError:
            return self.job_writer.settle(job, Move.SUPERSEDE, Reason.SOURCE_DELETED)

    def _counted(self, job: Job) -> Job:
        """Count a further check of the photo on the job before it begins: it may kill its worker.

        The first check is not counted. The next write after a check that ends removes the count.
        A busy jobs table may refuse that write, so checks within `LONGEST_BACK_OFF` are counted as
        one: a job ends only after 40 minutes in which no check could remove its count.
        """
        now = self.clock.now()
        is_again = job.is_due(now) or job.is_waiting or job.cut_short > 0
        if job.photo is not None or not is_again:
            return job
        if job.cut_short == 0 or now - job.updated_at >= LONGEST_BACK_OFF:
            counted = replace(job, cut_short=job.cut_short + 1, updated_at=now)
            job = self.job_writer.record(job, counted)
        return replace(job, cut_short=0)

    def checked(self, job: Job) -> Job:
        """The job with its photo's properties.

        Raises:
            NeedsPreparingError: the model only takes a converted copy.
            NotAPhotoError: the model takes neither the photo nor a copy.
            SourceGoneError: the object no longer exists.
        """
        if job.reason in REFUSALS:
            raise NotAPhotoError(job.reason, job.message or "")
        if job.reason is Reason.SOURCE_DELETED:
            raise SourceGoneError("deleted before Prepare read it")
        if job.photo:
            return job
        source = job.source
        check_size(source.key, source.size, self.limits)
        upload = self.uploads.read(source)
        marks = read_marks(upload.metadata)
        try:
            photo = inspect(upload.data, self.limits)
        except NeedsPreparingError as exc:
            # Prepare's report counts only if it is about the same bytes.
            exc.sha256 = hashlib.sha256(upload.data).hexdigest()
            raise
        return replace(
            job,
            photo=photo,
            lane=Lane.BACKFILL if marks.is_backfill else job.lane,
            bypass_cache=job.bypass_cache or marks.bypass_cache,
            recipes=marks.recipes,
        )

    def require_copies(self, job: Job) -> None:
        """Check that every copy that a checked job needs exists.

        Raises:
            NeedsPreparingError: a copy must be made first.
        """
        photo = job.photo
        if not self.copies_are_made:
            return
        if photo and not photo.is_plain and job.prepared is None:
            text = "it is turned by its Exif, or in other colours than sRGB"
            raise NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, text)
        if job.upright is None and self.own_pixels.are_wanted(job.source.key):
            text = "its own pixels are wanted for the cut-out"
            raise NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, text)

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


_CANDIDATES = 10
"""More than the workers that admit jobs at the same time."""
_MOST_CUT_SHORT = 5
_CHECKS_KILLED = "each worker that checked the photo was killed: it takes too much memory or time"
_MOST_FAILED = 3
"""Jobs whose steps may fail while one message is processed."""
