"""Bringing a finished task's result home, step by step.

    obtain → accept → keep → finish → publish → variants → settle

The object is written first and the row last: `completed` means the object is there. A worker
that dies between two steps leaves a job in `storing`, whose lease runs out: everything is done
again, and nothing is paid again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Unpack

from cutout.domain.errors import (
    CopyGoneError,
    FetchRefusedError,
    PictureError,
    ResponseLostError,
    SourceGoneError,
    TransientError,
)
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job, JobChanges
from cutout.domain.job.result import Result
from cutout.domain.job.variant import Variant
from cutout.domain.object_keys import review_keys
from cutout.domain.photo.acceptance import MAGIC_BYTES, begins_as_picture, breaks_off, why_not
from cutout.domain.provider import Task, TaskStatus
from cutout.domain.recipes import OwnPixels
from cutout.domain.states import AttemptOutcome, Move, Reason, State
from cutout.domain.timing import Randomness, Timing, back_off
from cutout.ports.buckets import Labels
from cutout.ports.jobs_table import LatestVersions, ResultKeys
from cutout.ports.pictures import Pictures
from cutout.ports.provider import Downloads
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared import temp_folder
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.step_failures import MOST_FAILURES, StepFailures
from cutout.usecases.shared.superseded import why_superseded
from cutout.usecases.store_result.fetched_result import FetchedResult
from cutout.usecases.store_result.finish_cutout import FinishCutout, VariantSources
from cutout.usecases.store_result.full_size_photo import FullSizePhoto, FullSizePhotos
from cutout.usecases.store_result.object_metadata import ObjectMetadata
from cutout.usecases.store_result.publish import Publisher, sha256
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.review import ReviewNotes
from cutout.usecases.store_result.variants import Variants

_LOOK_AGAIN = timedelta(seconds=15)
_READ_AGAIN_FOR = timedelta(minutes=15)
_NO_PICTURE = "what the link serves cannot be read as a picture"
_CAUTIOUS_FROM = 3
"""From this beginning on that is counted, nothing is done but what publishing a result needs."""
_UNLABELLED_FROM = 4
"""From this one on the photo's own labels are not read."""
_CUT_SHORT = "each try to store the result was cut short"
_UNCHECKED_FROM = 5
"""From so many workers on that were killed, the result is not decoded: a person must look at it."""
_MOST_ENTRIES_FOR_A_COPY = 12
"""Six waits of 15 s to 5 min: the state is entered twice for each."""


@dataclass(frozen=True, kw_only=True)
class StoreResult:
    """Brings one result home. The job is in `storing` and its lease is ours.

    Attributes:
        keeping: where results are kept for the same picture; None where each upload is bought.
    """

    job_writer: JobWriter
    latest_versions: LatestVersions
    result_keys: ResultKeys
    submissions: SubmissionQueue
    clock: Clock
    failures: StepFailures
    downloads: Downloads
    pictures: Pictures
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
        """Take every step, and return the job as it stands then.

        A job that began often and never ended gets less each time: it was paid for.
        """
        if job.failures > MOST_FAILURES:
            return self.failures.end(job, job.message or _CUT_SHORT)
        superseded = why_superseded(self.latest_versions, job)
        if superseded and self.result_cache is None:
            return self._settle(job, Move.SUPERSEDE, superseded)
        with temp_folder.folder() as folder:
            try:
                fetched = self._obtain(job, task, Path(folder))
            except (FetchRefusedError, TransientError) as exc:
                return self._later(job, str(exc))
            except PictureError as exc:
                return self._lost(job, str(exc))
            if _is_unchecked(job):
                return self._superseded(job, superseded) or self._keep_unchecked(fetched)
            self._keep(fetched)
            return self._superseded(job, superseded) or self._complete(fetched)

    def reuse(self, job: Job) -> Job:
        """Complete a job from the kept result of the same picture, or have it bought after all."""
        if _is_unchecked(job):
            return self.failures.end(job, job.message or _CUT_SHORT)
        superseded = why_superseded(self.latest_versions, job)
        if superseded or job.reused is None:
            return self._settle(job, Move.SUPERSEDE, superseded)
        with temp_folder.folder() as folder:
            file = Path(folder) / "result"
            if self.result_cache is None or not self.result_cache.fetch(job, file):
                return self._buy(job)
            task = Task(id=job.reused.task_id, status=TaskStatus.COMPLETED)
            fetched = self._accept(FetchedResult(job=job, task=task, file=file))
            return self._buy(job) if fetched.review_reason else self._complete(fetched)

    def _keep(self, fetched: FetchedResult) -> None:
        """Keep an accepted result as it came: also an outdated photo's, which was paid for."""
        if self.result_cache is not None and fetched.review_reason is None:
            self.result_cache.keep(fetched)

    def _buy(self, job: Job) -> Job:
        """What was kept is not there any more, or not what it was: back to Submit."""
        now = self.clock.now()
        is_owner = self.result_cache is not None and self.result_cache.deduplication.take_over_lost(
            job
        )
        queued = job.move(
            Move.CACHE_MISS,
            now=now,
            reason=Reason.KEPT_RESULT_LOST if is_owner else Reason.BACKING_OFF,
            due_at=now if is_owner else now + _LOOK_AGAIN,
            reused=None,
            is_owner=is_owner,
        )
        saved = self.job_writer.record(job, queued)
        if is_owner:
            self.submissions.enqueue([job.id])
        return saved

    def _complete(self, fetched: FetchedResult) -> Job:
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
            return self._settle(fetched.job, Move.SUPERSEDE, Reason.SOURCE_DELETED)
        superseded = self._publish(finished, labels)
        if superseded:
            return self._settle(fetched.job, Move.SUPERSEDE, superseded)
        move = Move.KEEP_FOR_REVIEW if finished.review_reason else Move.COMPLETE
        return self._settle(
            fetched.job,
            move,
            finished.review_reason,
            result=self._result(finished, labels),
            variants=self._variants(fetched, finished, labels, own),
        )

    def _keep_unchecked(self, fetched: FetchedResult) -> Job:
        """Put the result by as it came, for a person: decoding it ended workers."""
        job = fetched.job
        unchecked = self._placed(replace(fetched, review_reason=Reason.RESULT_UNCHECKED))
        labels = self.object_metadata.provenance_alone(job, fetched.task)
        if superseded := self._publish(unchecked, labels):
            return self._settle(job, Move.SUPERSEDE, superseded)
        return self._settle(
            job,
            Move.KEEP_FOR_REVIEW,
            Reason.RESULT_UNCHECKED,
            message=job.message,
            result=self._result(unchecked, labels),
        )

    def _superseded(self, job: Job, why: Reason | None) -> Job | None:
        return self._settle(job, Move.SUPERSEDE, why) if why else None

    def _own_photo(self, fetched: FetchedResult) -> FullSizePhoto:
        """The photo itself, if anything that is made now is to have its pixels.

        Raises:
            CopyGoneError: its copy is to be made first.
        """
        job = fetched.job
        is_wanted = fetched.photo.has_alpha or self.own_pixels.are_wanted(job.source.key)
        if fetched.review_reason or not is_wanted:
            return FullSizePhoto()
        if _is_cautious(job):
            return FullSizePhoto(why_not="workers ended over them")
        try:
            return self.full_size_photos.fetch(job, fetched.file.with_name("photo"))
        except CopyGoneError:
            if _waited_in_vain(job):
                return FullSizePhoto(why_not="no copy of it could be had")
            raise

    def _when_copied(self, job: Job) -> Job:
        """Everything once more when there is a copy of the photo; nothing is paid again."""
        now = self.clock.now()
        later = job.move(
            Move.FETCH_LATER,
            now=now,
            reason=Reason.PREPARING,
            due_at=now + back_off(job.tries, self.timing.poll_interval, self.randomness),
            message="the copy of the photo is gone, and is made once more",
            failures=max(0, job.failures - 1),
            cut_short=max(0, job.cut_short - 1),
        )
        saved = self.job_writer.record(job, later)
        self.full_size_photos.have_made(job)
        return saved

    def _obtain(self, job: Job, task: Task, folder: Path) -> FetchedResult:
        """Fetch the result and look at it, unless looking at it is what ends workers.

        Raises:
            FetchRefusedError: it is not to be had by this link.
            TransientError: not now.
            PictureError: the link served no picture for as long as it is read again.
        """
        if task.result_url is None:
            raise FetchRefusedError("the task is completed but names no result")
        file = folder / "result"
        self.downloads.fetch(task.result_url, file)
        if self._is_read_again(job) and _breaks_off(file):
            raise ResponseLostError("the result's file breaks off before its end")
        fetched = FetchedResult(job=job, task=task, file=file)
        return fetched if _is_unchecked(job) else self._looked_at(fetched)

    def _looked_at(self, fetched: FetchedResult) -> FetchedResult:
        """What cannot be decoded now may be by and by: a link may be there before its file is.

        A picture that stays damaged is the result; what never was a picture is not.
        """
        looked_at = self._accept(fetched)
        if looked_at.picture is None and self._is_read_again(fetched.job):
            raise ResponseLostError(_NO_PICTURE)
        if looked_at.picture is None and not _begins_as_picture(fetched.file):
            raise PictureError(_NO_PICTURE)
        return looked_at

    def _is_read_again(self, job: Job) -> bool:
        return self.clock.now() - job.in_state_since < _READ_AGAIN_FOR

    def _accept(self, fetched: FetchedResult) -> FetchedResult:
        """Decode it and decide: is it the cut-out that was paid for?"""
        picture = self.pictures.examine(fetched.file)
        return replace(fetched, picture=picture, review_reason=why_not(picture, fetched.photo))

    def _placed(self, fetched: FetchedResult) -> FetchedResult:
        """Claim the place of what a person must look at: another photo's cut-out may have it."""
        job = fetched.job
        if fetched.review_reason is None or job.result_key is None:
            return fetched
        candidates = review_keys(job.result_key, job.source.key)
        claim = self.result_keys.claim_result_key
        place = next(key for key in candidates if claim(key, job.source.ref))
        return replace(fetched, place=place)

    def _publish(self, fetched: FetchedResult, labels: Labels) -> Reason | None:
        """Put it into the bucket; returns why it must not be there, if it must not."""
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
        """Make what the recipes ask for; whatever happens, the cut-out stands and was paid for."""
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
        remarks = [fetched.remark, _left_out(labels)]
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
        """Read the task again later: its link may be fresh then. Bounded."""
        now = self.clock.now()
        if now - job.in_state_since >= self.timing.job_deadline:
            return self._lost(job, message)
        wait = back_off(job.tries, self.timing.poll_interval, self.randomness)
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
        """The result was paid for, and is not to be had."""
        superseded = why_superseded(self.latest_versions, job)
        if superseded:
            return self._settle(job, Move.SUPERSEDE, superseded)
        return self._settle(job, Move.FAIL, Reason.RESULT_LOST, message=message)

    def _settle(
        self, job: Job, move: Move, reason: Reason | None, **changes: Unpack[JobChanges]
    ) -> Job:
        attempt = job.attempt_numbered(job.storing_attempt)
        charged = job if attempt is None else job.with_attempt(_succeeded(attempt))
        settled = charged.settle(
            move,
            now=self.clock.now(),
            retention=self.timing.retention,
            reason=reason,
            **changes,
        )
        saved = self.job_writer.record(job, settled)
        if saved.state is State.SUPERSEDED:
            # Nothing is announced; but what was kept goes, if the photo was deleted meanwhile.
            self.job_writer.reapply_effects(saved)
        return saved


def _left_out(labels: Labels) -> str | None:
    """What its source has, and it has not."""
    names = ", ".join(labels.left_out)
    return f"labels that could not be carried over: {names}" if names else None


def _breaks_off(file: Path) -> bool:
    with file.open("rb") as stream:
        return breaks_off(stream)


def _begins_as_picture(file: Path) -> bool:
    with file.open("rb") as stream:
        return begins_as_picture(stream.read(MAGIC_BYTES))


def _is_cautious(job: Job) -> bool:
    """Bringing this result home failed or never ended: perhaps its pixels or its labels are why."""
    return job.failures >= _CAUTIOUS_FROM


def _is_unchecked(job: Job) -> bool:
    """Decoding this result seems to kill its workers, or this is the last try."""
    return job.cut_short >= _UNCHECKED_FROM or job.failures >= MOST_FAILURES


def _waited_in_vain(job: Job) -> bool:
    """A copy of the photo was asked for again and again, and never came."""
    return job.reason is Reason.PREPARING and job.tries >= _MOST_ENTRIES_FOR_A_COPY


def _succeeded(attempt: Attempt) -> Attempt:
    return replace(attempt, outcome=AttemptOutcome.SUCCEEDED, body=None)
