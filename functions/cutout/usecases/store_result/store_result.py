"""Storing the result of a completed task, step by step.

    obtain → accept → cache → finish → publish → variants → settle

The object is written first and the job last: `completed` means that the object exists. If the
worker crashes between two steps, the lease of the job in `storing` expires and all steps are
repeated; nothing is paid again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Unpack

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import (
    CopyGoneError,
    FetchRefusedError,
    PictureError,
    SourceGoneError,
    TransientError,
)
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job, JobChanges
from cutout.domain.job.photo import Photo
from cutout.domain.job.result import Result
from cutout.domain.job.variant import Variant
from cutout.domain.object_keys import review_keys
from cutout.domain.photo.picture import Picture
from cutout.domain.photo.result_acceptance import has_aspect
from cutout.domain.polling import LastAnswer, wait_before_read
from cutout.domain.provider import Task, TaskStatus
from cutout.domain.reasons import Reason
from cutout.domain.recipes import OwnPixels
from cutout.domain.states import AttemptOutcome, Move, State
from cutout.domain.timing import Randomness, Timing, back_off
from cutout.ports.buckets import Labels
from cutout.ports.jobs_table import LatestVersions, ResultKeys
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared import temp_folder
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.step_failures import MOST_FAILURES, StepFailures
from cutout.usecases.shared.superseded import why_superseded
from cutout.usecases.store_result.finish_cutout import (
    FetchedResult,
    FinishCutout,
    ResultFetcher,
    VariantSources,
)
from cutout.usecases.store_result.full_size_photo import FullSizePhoto, FullSizePhotos
from cutout.usecases.store_result.publish import ObjectMetadata, Publisher, sha256
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.review import ReviewNotes
from cutout.usecases.store_result.variants import Variants

_CAUTIOUS_FROM = 3
"""From this try on, only what publishing the result needs is done: no own pixels, no variants."""
_UNLABELLED_FROM = 4
"""From this try on, the photo's metadata and tags are not read."""
CUT_SHORT = "each try to store the result was cut short"
_UNCHECKED_FROM = 5
"""After so many killed workers the result is no longer decoded, but kept for review."""
_MOST_ENTRIES_FOR_A_COPY = 12
"""Six waits of 15 s to 5 min; each enters the state twice."""


@dataclass(frozen=True, kw_only=True)
class StoreResult:
    """Stores one result. The job is in `storing`, and this worker has its lease.

    Attributes:
        result_cache: None in a deployment that pays for each upload.
    """

    job_writer: JobWriter
    latest_versions: LatestVersions
    result_keys: ResultKeys
    submissions: SubmissionQueue
    clock: Clock
    failures: StepFailures
    fetcher: ResultFetcher
    finish_cutout: FinishCutout
    object_metadata: ObjectMetadata
    publisher: Publisher
    review_notes: ReviewNotes
    variants: Variants
    timing: Timing
    randomness: Randomness
    results_bucket: str
    result_cache: ResultCache | None
    own_pixels: OwnPixels
    full_size_photos: FullSizePhotos

    def store(self, job: Job, task: Task) -> Job:
        """Take every step; returns the job as stored.

        Each further try takes fewer optional steps, since the result was paid for.
        """
        if job.failures > MOST_FAILURES:
            return self.failures.end(job, job.message or CUT_SHORT)
        with temp_folder.folder() as folder:
            try:
                file = Path(folder) / "result"
                fetched = self.fetcher.fetch(job, task, file, is_decoded=not is_unchecked(job))
            except (FetchRefusedError, TransientError) as exc:
                return self._later(job, str(exc))
            except PictureError as exc:
                return self._lost(job, str(exc))
            if is_unchecked(job):
                return self._keep_unchecked(fetched)
            self._keep(fetched)
            return self.complete(fetched)

    def reuse(self, job: Job) -> Job:
        """Complete a job from the cached result of the same photo, or queue it for a paid call."""
        if is_unchecked(job):
            return self.failures.end(job, job.message or CUT_SHORT)
        with temp_folder.folder() as folder:
            file = Path(folder) / "result"
            if job.reused is None or self.result_cache is None:
                return self._requeue(job)
            if not self.result_cache.fetch(job.reused, file):
                return self._requeue(job)
            task = Task(id=job.reused.task_id, status=TaskStatus.COMPLETED)
            fetched = FetchedResult(
                job=job, task=task, file=file, is_accepted=job.reused.is_accepted
            )
            checked = self.fetcher.check(fetched)
            return self._requeue(job) if checked.review_reason else self.complete(checked)

    def _keep(self, fetched: FetchedResult) -> None:
        """Cache an accepted result as it came, even for a superseded photo: it was paid for."""
        if self.result_cache is not None and fetched.review_reason is None:
            self.result_cache.keep(fetched)

    def _requeue(self, job: Job) -> Job:
        """Requeue a job whose cached result is gone or damaged."""
        if self.result_cache is not None:
            self.result_cache.deduplication.forget_lost(job)
        now = self.clock.now()
        queued = job.move(
            Move.CACHE_MISS, now=now, reason=Reason.KEPT_RESULT_LOST, due_at=now, reused=None
        )
        saved = self.job_writer.record(job, queued)
        self.submissions.enqueue([job.id])
        return saved

    def complete(self, fetched: FetchedResult) -> Job:
        """Publish a result as the cut-out, or keep it for review, and end the job."""
        try:
            own = self._own_photo(fetched)
            finished = self._placed(self.finish_cutout.finish(fetched, own))
            is_unlabelled = fetched.job.failures >= _UNLABELLED_FROM
            write = (
                self.object_metadata.provenance_alone
                if is_unlabelled
                else self.object_metadata.labels
            )
            labels = write(fetched.job, fetched.task)
        except CopyGoneError:
            return self._when_copied(fetched.job)
        except SourceGoneError:
            return self.settle(fetched.job, Move.SUPERSEDE, Reason.SOURCE_DELETED)
        superseded = self._publish(finished, labels)
        if superseded:
            return self.settle(fetched.job, Move.SUPERSEDE, superseded)
        move = Move.KEEP_FOR_REVIEW if finished.review_reason else Move.COMPLETE
        decision = fetched.job.decision if finished.is_accepted else None
        return self.settle(
            fetched.job,
            move,
            decision.verdict.reason if decision else finished.review_reason,
            message=decision.text if decision else None,
            result=self._result(finished, labels),
            variants=self._variants(fetched, finished, labels, own),
        )

    def _keep_unchecked(self, fetched: FetchedResult) -> Job:
        """Keep the result for review as it came: workers were killed while they decoded it."""
        job = fetched.job
        unchecked = self._placed(replace(fetched, review_reason=Reason.RESULT_UNCHECKED))
        labels = self.object_metadata.provenance_alone(job, fetched.task)
        if superseded := self._publish(unchecked, labels):
            return self.settle(job, Move.SUPERSEDE, superseded)
        return self.settle(
            job,
            Move.KEEP_FOR_REVIEW,
            Reason.RESULT_UNCHECKED,
            message=job.message,
            result=self._result(unchecked, labels),
        )

    def _own_photo(self, fetched: FetchedResult) -> FullSizePhoto:
        """The photo in full size, if the cut-out or a variant uses the photo's own pixels.

        Raises:
            CopyGoneError: a copy must be made first.
        """
        job = fetched.job
        is_wanted = fetched.photo.has_alpha or self.own_pixels.are_wanted(job.source.key)
        if fetched.review_reason or not is_wanted:
            return FullSizePhoto()
        if _is_cautious(job):
            return FullSizePhoto(why_not="earlier tries failed")
        if fetched.is_accepted and fetched.picture and not _fits(fetched.picture, fetched.photo):
            # Its transparency would be stretched over the photo: not what the person has seen.
            return FullSizePhoto(why_not="the result has another aspect ratio")
        try:
            return self.full_size_photos.fetch(job, fetched.file.with_name("photo"))
        except CopyGoneError:
            if _waited_in_vain(job):
                return FullSizePhoto(why_not="no copy of the photo could be made")
            raise

    def _when_copied(self, job: Job) -> Job:
        """Repeat all steps once a copy of the photo exists; nothing is paid again."""
        now = self.clock.now()
        later = job.move(
            Move.FETCH_LATER,
            now=now,
            reason=job.reason if job.is_being_decided else Reason.PREPARING,
            due_at=now + back_off(job.tries, self.timing.poll_interval, self.randomness),
            message="the copy of the photo is gone, and is made once more",
            failures=max(0, job.failures - 1),
            cut_short=max(0, job.cut_short - 1),
        )
        saved = self.job_writer.record(job, later)
        self.full_size_photos.have_made(job)
        return saved

    def _placed(self, fetched: FetchedResult) -> FetchedResult:
        """Claim a key for a result under review; another photo's cut-out may have the first one."""
        job = fetched.job
        if fetched.review_reason is None or job.result_key is None:
            return fetched
        candidates = review_keys(job.result_key, job.source.key)
        claim = self.result_keys.claim_result_key
        place = next(key for key in candidates if claim(key, job.source.ref))
        return replace(fetched, place=place)

    def _publish(self, fetched: FetchedResult, labels: Labels) -> Reason | None:
        """Write the file to the results bucket; returns a reason if the job is superseded."""
        superseded = why_superseded(self.latest_versions, fetched.job)
        if superseded:
            return superseded
        picture = fetched.picture
        is_stored = self.publisher.publish(
            fetched.job,
            fetched.key,
            fetched.file,
            content_type=f"image/{picture.format}" if picture else "application/octet-stream",
            labels=labels,
        )
        if not is_stored:
            return Reason.NEWER_UPLOAD
        if fetched.review_reason:
            self.review_notes.write(fetched, fetched.review_reason)
        else:
            self.review_notes.resolve(fetched)
        return None

    def _variants(
        self, raw: FetchedResult, finished: FetchedResult, labels: Labels, own: FullSizePhoto
    ) -> tuple[Variant, ...]:
        """Make the variants of the recipes; a variant that fails does not affect the cut-out."""
        job, picture = finished.job, finished.picture
        if picture is None or finished.review_reason or job.due_at is None:
            return ()
        if _is_cautious(job):
            return self.variants.give_up(job, "making it never ended; `cutout render` tries again")
        bases = VariantSources(
            finish_cutout=self.finish_cutout,
            published=finished.file,
            pixels=finished.pixels,
            own=own,
            model=lambda: self.finish_cutout.with_models_pixels(
                job, raw.file, raw.picture or picture
            ),
        )
        until = job.due_at - self.timing.lease / 3
        return self.variants.make(job, bases.file, labels, until=until)

    def _result(self, fetched: FetchedResult, labels: Labels) -> Result:
        picture = fetched.picture
        unknown = _unknown(self.variants.unknown_names(fetched.job))
        remarks = [fetched.remark, _left_out(labels), unknown]
        return Result(
            bucket=self.results_bucket,
            key=fetched.key,
            size=fetched.file.stat().st_size,
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            sha256=sha256(fetched.file),
            pixels=fetched.pixels,
            remark="; ".join(filter(None, remarks)) or None,
        )

    def _later(self, job: Job, message: str) -> Job:
        """Read the task again later, which renews its link, until the job's deadline."""
        now = self.clock.now()
        if now - job.in_state_since >= self.timing.job_deadline:
            return self._lost(job, message)
        wait = wait_before_read(LastAnswer.UNREADABLE, job, self.timing, self.randomness)
        later = job.move(
            Move.FETCH_LATER,
            now=now,
            reason=Reason.RESULT_UNREADABLE,
            due_at=now + wait,
            message=message,
            failures=max(0, job.failures - 1),
            cut_short=max(0, job.cut_short - 1),
        )
        return self.job_writer.record(job, later)

    def _lost(self, job: Job, message: str) -> Job:
        """End the job: its result was paid for, but cannot be fetched."""
        superseded = why_superseded(self.latest_versions, job)
        if superseded:
            return self.settle(job, Move.SUPERSEDE, superseded)
        return self.settle(job, Move.FAIL, Reason.RESULT_LOST, message=message)

    def settle(
        self, job: Job, move: Move, reason: Reason | None, **changes: Unpack[JobChanges]
    ) -> Job:
        """End the job; the attempt whose result is stored has succeeded."""
        attempt = job.attempt_numbered(job.storing_attempt)
        charged = None if attempt is None else job.with_attempt(_succeeded(attempt))
        saved = self.job_writer.settle(job, move, reason, known=charged, **changes)
        if saved.state is State.SUPERSEDED:
            # Superseded jobs announce nothing, but a deleted photo's cached result must be removed.
            self.job_writer.reapply_effects(saved)
        return saved


def _left_out(labels: Labels) -> str | None:
    """A remark on the labels of the photo that the cut-out does not have."""
    names = ", ".join(labels.left_out)
    return f"labels that could not be carried over: {names}" if names else None


def _unknown(recipes: tuple[str, ...]) -> str | None:
    """A remark on the recipes that the photo's metadata chose in vain."""
    return f"no recipe applies to the photo: {', '.join(recipes)}" if recipes else None


def _is_cautious(job: Job) -> bool:
    """Whether earlier tries failed, perhaps because of the photo's own pixels or its labels."""
    return job.failures >= _CAUTIOUS_FROM


def is_unchecked(job: Job) -> bool:
    """Whether decoding this result seems to kill workers, or this is the last try."""
    return job.cut_short >= _UNCHECKED_FROM or job.failures >= MOST_FAILURES


def _fits(picture: Picture, photo: Photo) -> bool:
    return has_aspect(picture, photo.width, photo.height)


def _waited_in_vain(job: Job) -> bool:
    """Whether a copy of the photo was requested again and again, and was never made."""
    is_for_a_copy = job.reason is Reason.PREPARING or job.is_being_decided
    return is_for_a_copy and job.tries >= _MOST_ENTRIES_FOR_A_COPY


def _succeeded(attempt: Attempt) -> Attempt:
    return replace(attempt, outcome=AttemptOutcome.SUCCEEDED)
