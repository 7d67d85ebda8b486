"""Making a copy that the model takes of a photo that it does not take as it is.

The copy is put into the work bucket first and recorded after, under a name that follows from the
job: a worker that dies in between has done nothing that doing it again would not do as well.

Prepare decodes what strangers upload, so it may do little: it reads photos, writes copies, and says
on the row what it found. Whatever follows from that, Submit does, which it wakes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cutout.errors import JobMovedError, NotAPhotoError, SourceGoneError
from cutout.formats import HEAD_BYTES
from cutout.job import Job, Photo, Prepared
from cutout.keys import PREPARED_FOLDER
from cutout.photo import PhotoLimits, check_kind, fitting
from cutout.ports.buckets import Copies, Uploads
from cutout.ports.pictures import Copier
from cutout.ports.queues import SubmissionQueue
from cutout.ports.table import Jobs
from cutout.ports.telemetry import Clock, Metric, Telemetry
from cutout.states import Move, Reason
from cutout.usecases import scratch
from cutout.usecases.checking import is_fresh, lane_of, refuse_own_output

_EXTENSIONS = {"jpeg": "jpg"}
_MOST_BEGINNINGS = 5
"""A picture that its decoder does not survive is not tried for ever."""


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """Prepares one photo."""

    jobs: Jobs
    uploads: Uploads
    copier: Copier
    copies: Copies
    submissions: SubmissionQueue
    telemetry: Telemetry
    clock: Clock
    lease: timedelta
    limits: PhotoLimits

    def prepare(self, job: Job) -> Job:
        """Make the copy and hand the job back to Submit; the job as it stands afterwards.

        Nothing is done for a job that wants no copy, or no longer.
        """
        if not job.is_being_prepared:
            return job
        try:
            with scratch.folder() as folder:
                return self._prepare(job, Path(folder))
        except NotAPhotoError as exc:
            return self._hand_back(job, reason=exc.reason, message=str(exc))
        except SourceGoneError:
            return self._hand_back(job, reason=Reason.SOURCE_DELETED)

    def _prepare(self, job: Job, folder: Path) -> Job:
        file, into = folder / "photo", folder / "copy"
        fetched = self.uploads.fetch(job.source, file)
        refuse_own_output(fetched.metadata)
        check_kind(_head(file))
        begun = self._begin(job)
        if not begun.is_being_prepared:
            return begun
        seen = self.copier.look(file)
        size = fitting(seen.width, seen.height, self.limits)
        copy = self.copier.copy(file, into, size, self.limits.max_bytes)
        key = f"{PREPARED_FOLDER}{job.id}.{_EXTENSIONS.get(copy.format, copy.format)}"
        self.copies.put(key, into, content_type=f"image/{copy.format}")
        self.telemetry.count(Metric.PREPARED)
        photo = Photo(
            format=seen.format,
            width=seen.width,
            height=seen.height,
            sha256=fetched.sha256,
            orientation=seen.orientation,
            has_alpha=copy.has_alpha,
        )
        prepared = Prepared(
            key=key,
            format=copy.format,
            size=into.stat().st_size,
            width=copy.width,
            height=copy.height,
            made_at=self.clock.now(),
        )
        lane = lane_of(begun, fetched.metadata)
        return self._hand_back(
            begun,
            photo=photo,
            prepared=prepared,
            lane=lane,
            is_fresh=is_fresh(begun, fetched.metadata),
        )

    def _begin(self, job: Job) -> Job:
        """Count the beginning, so that a picture that ends its worker is found out.

        Two that begin at once count as two.

        Raises:
            NotAPhotoError: it has ended too many.
        """
        while job.is_being_prepared:
            if job.preparations >= _MOST_BEGINNINGS:
                text = f"it could not be decoded: {job.preparations} workers ended over it"
                raise NotAPhotoError(Reason.CANNOT_BE_PREPARED, text)
            now = self.clock.now()
            begun = replace(
                job,
                preparations=job.preparations + 1,
                due_at=now + self.lease,
                updated_at=now,
            )
            try:
                return self.jobs.save(begun)
            except JobMovedError as lost:
                if lost.winner is None:
                    return job
                job = lost.winner
        return job

    def _hand_back(self, job: Job, **found: object) -> Job:
        """Say on the row what was found, and have Submit go on from there.

        A worker that began meanwhile, on a second message, finds the same: the first one's word is
        as good. A job that was moved elsewhere wants nothing any more.
        """
        while job.is_being_prepared:
            now = self.clock.now()
            facts = {"preparations": 0, "failures": 0, **found}
            after = job.move(Move.HOLD, now=now, due_at=now + self.lease, **facts)  # type: ignore[arg-type]
            try:
                job = self.jobs.save(after)
            except JobMovedError as lost:
                if lost.winner is None:
                    return job
                job = lost.winner
                continue
            self.telemetry.fact("photo prepared", job_id=job.id, reason=job.reason)
            self.submissions.wake([job.id])
        return job


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(HEAD_BYTES)
