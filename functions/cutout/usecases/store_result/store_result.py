"""Storing the result of a completed task, step by step.

    fetch → check → cache → finish → publish → variants → settle

The object is written first and the job last: `completed` means that the object exists. If the
worker crashes between two steps, the lease of the job in `storing` expires and all steps are
repeated; nothing is paid again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import (
    CopyGoneError,
    FetchRefusedError,
    IllegalMoveError,
    PictureError,
    ResponseLostError,
    SourceGoneError,
    TransientError,
)
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result, Variant
from cutout.domain.object_keys import review_keys
from cutout.domain.photo.photo_and_result_checks import begins_as_picture, breaks_off
from cutout.domain.polling_and_timing import Randomness, Timing, back_off
from cutout.domain.provider_outcomes import Task
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Move, Pixels
from cutout.ports.buckets import Folders, Labels
from cutout.ports.jobs_table import ResultKeys
from cutout.ports.provider_api import Downloads
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.notes_and_tags import ShownVersions
from cutout.usecases.shared.step_failures import MOST_FAILURES, StepFailures
from cutout.usecases.store_result.finish_cutout import CAUTIOUS_FROM, FetchedResult, FinishCutout
from cutout.usecases.store_result.publish_with_metadata import Published, Publisher
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.review_notes import ReviewNotes
from cutout.usecases.store_result.variants import Variants, VariantSources

_UNLABELLED_FROM = 4
"""From this try on, the photo's metadata and tags are not read."""
_UNCHECKED_FROM = 5
"""After so many killed workers the result is no longer decoded, but kept for review."""
_READ_AGAIN_FOR = timedelta(minutes=15)
_NO_PICTURE = "what the link serves cannot be read as a picture"
_NEVER_ENDED = "making it never ended; `cutout render` tries again"


@dataclass(frozen=True, kw_only=True)
class StoreResult:
    """Stores one result. The job is in `storing`, and this worker has its lease.

    Attributes:
        result_cache: None in a deployment that pays for each upload.
    """

    job_writer: JobWriter
    result_keys: ResultKeys
    submissions: SubmissionQueue
    clock: Clock
    failures: StepFailures
    downloads: Downloads
    finish_cutout: FinishCutout
    publisher: Publisher
    shown_versions: ShownVersions
    review_notes: ReviewNotes
    variants: Variants
    timing: Timing
    folders: Folders
    randomness: Randomness
    results_bucket: str
    result_cache: ResultCache | None

    def store(self, job: Job, task: Task) -> Job:
        """Take every step; returns the job as stored.

        Each further try takes fewer optional steps, since the result was paid for.
        """
        if job.failures > MOST_FAILURES:
            return self.failures.end(job)
        with self.folders() as folder:
            try:
                fetched = self._fetch(job, task, Path(folder) / "result")
            except (FetchRefusedError, TransientError) as exc:
                return self._later(job, str(exc))
            except PictureError as exc:
                return self._lost(job, str(exc))
            if self.result_cache is not None and fetched.review_reason is None:
                # As it came, even for a superseded photo: it was paid for.
                self.result_cache.keep(fetched)
            return self.complete(fetched)

    def _fetch(self, job: Job, task: Task, file: Path) -> FetchedResult:
        """Download the result and decode it; one that may kill its worker is not decoded.

        Raises:
            FetchRefusedError: the link must not be fetched, or serves something else.
            TransientError: the result cannot be fetched now.
            PictureError: the link has served no image for `_READ_AGAIN_FOR`.
        """
        if task.result_url is None:
            raise FetchRefusedError("the task is completed but names no result")
        self.downloads.fetch(task.result_url, file)
        # A link may be published before its file is complete, so it is fetched again for a while.
        is_read_again = self.clock.now() - job.entered_at < _READ_AGAIN_FOR
        with file.open("rb") as stream:
            if is_read_again and breaks_off(stream):
                raise ResponseLostError("the result's file breaks off before its end")
        fetched = FetchedResult(job=job, file=file)
        if is_unchecked(job):
            return replace(fetched, review_reason=Reason.RESULT_UNCHECKED)
        checked = self.finish_cutout.check(fetched)
        if checked.picture is None:
            if is_read_again:
                raise ResponseLostError(_NO_PICTURE)
            with file.open("rb") as stream:
                # An image that stays damaged is the result, and fails the check.
                if not begins_as_picture(stream):
                    raise PictureError(_NO_PICTURE)
        return checked

    def reuse(self, job: Job) -> Job:
        """Complete a job from the cached result of the same photo, or queue it for a paid call."""
        if is_unchecked(job):
            return self.failures.end(job)
        if job.reused is None or self.result_cache is None:
            return self._requeue(job)
        with self.folders() as folder:
            file = Path(folder) / "result"
            if not self.result_cache.fetch(job.reused, file):
                return self._requeue(job)
            checked = self.finish_cutout.check(FetchedResult(job=job, file=file))
            return self._requeue(job) if checked.review_reason else self.complete(checked)

    def _requeue(self, job: Job) -> Job:
        """Requeue a job whose cached result is gone or damaged."""
        if self.result_cache is not None:
            self.result_cache.forget_lost(job)
        uncached = replace(job, reused=None)
        reason, wait = Reason.KEPT_RESULT_LOST, timedelta(0)
        saved = self.job_writer.move(uncached, Move.CACHE_MISS, reason, wait=wait)
        self.submissions.enqueue([job.id])
        return saved

    def complete(self, fetched: FetchedResult) -> Job:
        """Publish a result as the cut-out, or keep it for review, and end the job."""
        job = fetched.job
        try:
            finished = self.finish_cutout.finish(fetched)
            key, picture = self._key(finished), finished.picture
            published = self.publisher.publish_newest(
                job,
                key,
                finished.file,
                content_type=f"image/{picture.format}" if picture else "application/octet-stream",
                has_own_labels=job.failures < _UNLABELLED_FROM,
            )
        except CopyGoneError:
            return self._when_copied(job)
        except SourceGoneError:
            return self.settle(job, Move.SUPERSEDE, Reason.SOURCE_DELETED)
        if isinstance(published, Reason):
            return self.settle(job, Move.SUPERSEDE, published)
        if finished.review_reason:
            self.review_notes.write(finished, key, finished.review_reason)
        elif job.decision or job.reused or len(job.attempts) > 1 or job.was_reviewed:
            # Only these jobs may have had a result under review.
            self.review_notes.resolve(finished, key)
        reason = finished.review_reason
        message = job.message if reason is Reason.RESULT_UNCHECKED else None
        if job.decision is not None:
            reason, message = job.decision.verdict.reason, job.decision.text
        move = Move.KEEP_FOR_REVIEW if finished.review_reason else Move.COMPLETE
        stored = replace(
            job,
            result=self._result(finished, key, published),
            variants=self._variants(fetched, finished, published.labels),
        )
        return self.settle(stored, move, reason, message=message)

    def _when_copied(self, job: Job) -> Job:
        """Repeat all steps once a copy of the photo exists; nothing is paid again."""
        reason = job.reason if job.is_being_decided else Reason.PREPARING
        wait = back_off(job.tries, self.timing.poll_interval, self.randomness)
        message = "the copy of the photo is gone, and is made once more"
        return self._repeated(job, reason, wait, message)

    def _repeated(self, job: Job, reason: Reason | None, wait: timedelta, message: str) -> Job:
        """The job, of which all steps are repeated later. This try does not count as failed."""
        failures, cut_short = max(0, job.failures - 1), max(0, job.cut_short - 1)
        uncounted = replace(job, failures=failures, cut_short=cut_short)
        return self.job_writer.move(uncounted, Move.FETCH_LATER, reason, wait=wait, message=message)

    def _key(self, fetched: FetchedResult) -> str:
        """Where the result is stored: at the photo's result key, or at one claimed for its review.

        Raises:
            IllegalMoveError: the job never claimed a key, so there cannot be a result.
        """
        job = fetched.job
        if job.result_key is None:
            raise IllegalMoveError("a job without a result key cannot have a result")
        if fetched.review_reason is None:
            return job.result_key
        # Another photo's cut-out may have the first one.
        candidates = review_keys(job.result_key, job.source.key)
        claim = self.result_keys.claim_result_key
        return next(key for key in candidates if claim(key, job.source.ref))

    def _variants(
        self, raw: FetchedResult, finished: FetchedResult, labels: Labels
    ) -> tuple[Variant, ...]:
        """Make the variants of the recipes; a variant that fails does not affect the cut-out."""
        job = finished.job
        has_none = not self.variants.recipes and not job.recipes
        if has_none or finished.review_reason or job.due_at is None:
            return ()
        sources = VariantSources(
            job=job,
            published=finished.file,
            pixels=finished.pixels,
            own=finished.own,
            # One with the photo's pixels was finished before it came under review.
            result=raw if raw.pixels is Pixels.MODEL else None,
            problem=_NEVER_ENDED if job.failures >= CAUTIOUS_FROM else None,
        )
        until = job.due_at - self.timing.lease / 3
        return self.variants.make(sources, labels, until=until, names=job.recipes)

    def _result(self, fetched: FetchedResult, key: str, published: Published) -> Result:
        job, picture = fetched.job, fetched.picture
        left_out = ", ".join(published.labels.left_out)
        unknown = ", ".join(self.variants.unknown_names(job) if job.recipes else ())
        remarks = [
            fetched.remark,
            f"labels that could not be carried over: {left_out}" if left_out else None,
            f"no recipe applies to the photo: {unknown}" if unknown else None,
        ]
        return Result(
            bucket=self.results_bucket,
            key=key,
            size=published.size,
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            sha256=published.sha256,
            pixels=fetched.pixels,
            remark="; ".join(filter(None, remarks)) or None,
        )

    def _later(self, job: Job, message: str) -> Job:
        """Read the task again later, which renews its link, until the job's deadline."""
        if self.clock.now() - job.entered_at >= self.timing.job_deadline:
            return self._lost(job, message)
        wait = self.timing.wait_before_read(job.tries, self.randomness, is_readable=False)
        return self._repeated(job, Reason.RESULT_UNREADABLE, wait, message)

    def _lost(self, job: Job, message: str) -> Job:
        """End the job: its result was paid for, but cannot be fetched."""
        superseded = self.shown_versions.why_superseded(job)
        if superseded:
            return self.settle(job, Move.SUPERSEDE, superseded)
        return self.settle(job, Move.FAIL, Reason.RESULT_LOST, message=message)

    def settle(
        self, job: Job, move: Move, reason: Reason | None, *, message: str | None = None
    ) -> Job:
        """End the job; the attempt whose result is stored has succeeded."""
        known, attempt = job, job.attempt_numbered(job.storing_attempt)
        if attempt is not None:
            known = job.with_attempt(replace(attempt, outcome=AttemptOutcome.SUCCEEDED))
        return self.job_writer.settle(job, move, reason, known=known, message=message)


def is_unchecked(job: Job) -> bool:
    """Whether decoding this result seems to kill workers, or this is the last try."""
    return job.cut_short >= _UNCHECKED_FROM or job.failures >= MOST_FAILURES
