"""Fetching a finished task's result, accepting it, and putting it where its photo's result goes.

The object is written first and the row last: `completed` means the object is there.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from cutout.acceptance import why_not
from cutout.errors import FetchRefusedError, IllegalMoveError, SourceGoneError, TransientError
from cutout.job import Attempt, Job, Result
from cutout.keys import MADE_BY, review_key
from cutout.ports import Downloads, Labels, Picture, Pictures, Results, StoredResult, Uploads
from cutout.provider import Task
from cutout.states import AttemptOutcome, Move, Reason
from cutout.usecases.record import Recorder
from cutout.usecases.timing import Randomness, Timing, back_off

_PUT_TRIES = 3
_PNG = "png"
_MAX_METADATA_BYTES = 2048
"""S3's limit for user metadata, names and values together."""


@dataclass(frozen=True, kw_only=True)
class StoreResult:
    """Brings one result home. The job is in `storing` and its lease is ours."""

    recorder: Recorder
    uploads: Uploads
    results: Results
    downloads: Downloads
    pictures: Pictures
    timing: Timing
    randomness: Randomness
    results_bucket: str
    model: str

    def store(self, job: Job, task: Task) -> Job:
        """Fetch, accept, store, record, announce."""
        superseded = self.recorder.why_superseded(job)
        if superseded:
            return self._settle(job, Move.SUPERSEDE, superseded)
        if task.result_url is None:
            return self._later(job, "the task is completed but names no result")
        with tempfile.TemporaryDirectory(prefix="cutout-") as folder:
            file = Path(folder) / "result"
            try:
                size = self.downloads.fetch(task.result_url, file)
            except (FetchRefusedError, TransientError) as exc:
                return self._later(job, str(exc))
            return self._accept(job, task, file, size)

    def _accept(self, job: Job, task: Task, file: Path, size: int) -> Job:
        picture = self.pictures.examine(file)
        if job.photo is None or job.result_key is None:
            raise IllegalMoveError("a job without a photo cannot have a result")
        doubt = why_not(picture, job.photo)
        if picture is not None and doubt is None and picture.format != _PNG:
            size = self.pictures.rewrite_as_png(file)
            picture = replace(picture, format=_PNG)
        key = review_key(job.result_key) if doubt else job.result_key
        try:
            labels = self._labels(job, task)
        except SourceGoneError:
            return self._settle(job, Move.SUPERSEDE, Reason.SOURCE_DELETED)
        superseded = self.recorder.why_superseded(job)
        if superseded:
            return self._settle(job, Move.SUPERSEDE, superseded)
        if not self._put(job, key, file, picture, labels):
            return self._settle(job, Move.SUPERSEDE, Reason.NEWER_UPLOAD)
        result = Result(
            bucket=self.results_bucket,
            key=key,
            size=size,
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            sha256=_sha256(file),
        )
        move = Move.KEEP_FOR_REVIEW if doubt else Move.COMPLETE
        return self._settle(job, move, doubt, result=result)

    def _put(
        self,
        job: Job,
        key: str,
        file: Path,
        picture: Picture | None,
        labels: Labels,
    ) -> bool:
        """Store the result unless a newer upload's result stands there."""
        content_type = f"image/{picture.format}" if picture else "application/octet-stream"
        for _ in range(_PUT_TRIES):
            standing = self.results.standing(key)
            if standing is not None and _is_newer(standing, job):
                return False
            if self.results.put(
                key,
                file,
                content_type=content_type,
                labels=labels,
                replacing=standing,
            ):
                return True
        raise TransientError("the result's place is written too often")

    def _labels(self, job: Job, task: Task) -> Labels:
        """The source's own metadata and tags, and where the cut-out comes from."""
        own = self.uploads.labels(job.source)
        provenance = {
            MADE_BY: job.id,
            "cutout-source-version": job.source.version_id or job.source.etag,
            "cutout-source-order": job.source.order,
            "cutout-model": self.model,
            "cutout-task": task.id,
        }
        room = _MAX_METADATA_BYTES - _weight(provenance)
        metadata = dict(provenance)
        for name, value in sorted(own.metadata.items()):
            weight = _weight({name: value})
            if weight <= room and name not in metadata:
                metadata[name] = value
                room -= weight
        return Labels(metadata=metadata, tags=own.tags)

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


def _is_newer(standing: StoredResult, job: Job) -> bool:
    return standing.order is not None and standing.order > job.source.order


def _weight(metadata: dict[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
