"""Bringing a finished task's result home, step by step.

    obtain → accept → finish → publish → settle

The object is written first and the row last: `completed` means the object is there. A worker
that dies between two steps leaves a job in `storing`, whose lease runs out: everything is done
again, and nothing is paid again.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cutout.acceptance import breaks_off, why_not
from cutout.errors import (
    FetchRefusedError,
    ResponseLostError,
    SourceGoneError,
    TransientError,
)
from cutout.job import Attempt, Job, Result
from cutout.ports import Downloads, Pictures
from cutout.provider import Task
from cutout.states import AttemptOutcome, Move, Reason
from cutout.usecases.delivery import Delivery
from cutout.usecases.labelling import Labelling
from cutout.usecases.publishing import Publishing, sha256
from cutout.usecases.record import Recorder
from cutout.usecases.review_notes import ReviewNotes
from cutout.usecases.timing import Randomness, Timing, back_off

_PNG = "png"
_READ_AGAIN_FOR = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class StoreResult:
    """Brings one result home. The job is in `storing` and its lease is ours."""

    recorder: Recorder
    downloads: Downloads
    pictures: Pictures
    labelling: Labelling
    publishing: Publishing
    review_notes: ReviewNotes
    timing: Timing
    randomness: Randomness
    results_bucket: str

    def store(self, job: Job, task: Task) -> Job:
        """Take every step, and return the job as it stands then."""
        superseded = self.recorder.why_superseded(job)
        if superseded:
            return self._settle(job, Move.SUPERSEDE, superseded)
        with tempfile.TemporaryDirectory(prefix="cutout-") as folder:
            try:
                delivery = self._obtain(job, task, Path(folder))
            except (FetchRefusedError, TransientError) as exc:
                return self._later(job, str(exc))
            return self._bring_home(self._accept(delivery))

    def _bring_home(self, delivery: Delivery) -> Job:
        finished = self._finish(delivery)
        superseded, published = self._publish(finished)
        if superseded:
            return self._settle(delivery.job, Move.SUPERSEDE, superseded)
        move = Move.KEEP_FOR_REVIEW if finished.doubt else Move.COMPLETE
        return self._settle(delivery.job, move, finished.doubt, result=published)

    def _obtain(self, job: Job, task: Task, folder: Path) -> Delivery:
        """Fetch the result's bytes.

        Raises:
            FetchRefusedError: they are not to be had by this link.
            TransientError: not now.
        """
        if task.result_url is None:
            raise FetchRefusedError("the task is completed but names no result")
        file = folder / "result"
        self.downloads.fetch(task.result_url, file)
        if self._is_to_be_read_again(job, file):
            raise ResponseLostError("the result's file breaks off before its end")
        return Delivery(job=job, task=task, file=file)

    def _is_to_be_read_again(self, job: Job, file: Path) -> bool:
        """Without a length, a body that broke off looks whole; one that stays so is the result."""
        if self.recorder.clock.now() - job.in_state_since >= _READ_AGAIN_FOR:
            return False
        with file.open("rb") as stream:
            return breaks_off(stream)

    def _accept(self, delivery: Delivery) -> Delivery:
        """Decode it and decide: is it the cut-out that was paid for?"""
        picture = self.pictures.examine(delivery.file)
        return replace(delivery, picture=picture, doubt=why_not(picture, delivery.photo))

    def _finish(self, delivery: Delivery) -> Delivery:
        """Make an accepted result the cut-out to publish; what is in doubt stays as it came."""
        picture = delivery.picture
        if picture is None or delivery.doubt or picture.format == _PNG:
            return delivery
        self.pictures.rewrite_as_png(delivery.file)
        return replace(delivery, picture=replace(picture, format=_PNG))

    def _publish(self, delivery: Delivery) -> tuple[Reason | None, Result | None]:
        """Put it into the bucket: why it must not be, or what stands there now."""
        try:
            labels = self.labelling.labels(delivery.job, delivery.task)
        except SourceGoneError:
            return Reason.SOURCE_DELETED, None
        superseded = self.recorder.why_superseded(delivery.job)
        if superseded:
            return superseded, None
        picture = delivery.picture
        is_stored = self.publishing.publish(
            delivery.job,
            delivery.key,
            delivery.file,
            content_type=f"image/{picture.format}" if picture else "application/octet-stream",
            labels=labels,
        )
        if not is_stored:
            return Reason.NEWER_UPLOAD, None
        if delivery.doubt:
            self.review_notes.write(delivery, delivery.doubt)
        return None, Result(
            bucket=self.results_bucket,
            key=delivery.key,
            size=delivery.file.stat().st_size,
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            sha256=sha256(delivery.file),
        )

    def _later(self, job: Job, message: str) -> Job:
        """Read the task again later: its link may be fresh then. Bounded."""
        now = self.recorder.clock.now()
        if now - job.in_state_since >= self.timing.job_deadline:
            return self._settle(job, Move.FAIL, Reason.RESULT_LOST, message=message)
        wait = back_off(job.tries, self.timing.poll_interval, self.randomness)
        later = job.move(
            Move.FETCH_LATER,
            now=now,
            reason=Reason.RESULT_UNREADABLE,
            due_at=now + wait,
            message=message,
        )
        return self.recorder.record(job, later)

    def _settle(self, job: Job, move: Move, reason: Reason | None, **facts: object) -> Job:
        attempt = job.attempt_numbered(job.storing_attempt or 0)
        charged = job if attempt is None else job.with_attempt(_succeeded(attempt))
        settled = charged.settle(
            move,
            now=self.recorder.clock.now(),
            retention=self.timing.retention,
            reason=reason,
            **facts,
        )
        return self.recorder.record(job, settled)


def _succeeded(attempt: Attempt) -> Attempt:
    return replace(attempt, outcome=AttemptOutcome.SUCCEEDED, body=None)
