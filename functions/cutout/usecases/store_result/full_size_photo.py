"""The photo in full size, for cut-outs and variants with the photo's own pixels.

Only Prepare decodes photos. This module uses its copies, which are deleted after a day.
"""

from __future__ import annotations

from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import CopyGoneError, PictureError
from cutout.domain.job.job import Job
from cutout.domain.messages.preparation import FULL_SIZE_FORMAT, CopyKind, PrepareRequest, copy_key
from cutout.ports.buckets import Copies
from cutout.ports.queues import PreparationQueue


@dataclass(frozen=True, kw_only=True)
class FullSizePhoto:
    """The copy of a photo in full size, or why there is none."""

    file: Path | None = None
    why_not: str = "they were not requested"

    def file_or_why_not(self) -> Path:
        """The copy.

        Raises:
            PictureError: there is none.
        """
        if self.file is None:
            raise PictureError(self.why_not)
        return self.file


@dataclass(frozen=True, kw_only=True)
class FullSizePhotos:
    """Fetches Prepare's copies, and requests those that are gone.

    Attributes:
        queue: None in a deployment without Prepare.
    """

    copies: Copies
    queue: PreparationQueue | None

    def fetch(self, job: Job, into: Path, *, is_last_try: bool) -> FullSizePhoto:
        """The photo of a job in full size.

        Raises:
            CopyGoneError: its copy is gone, or was never made; not on the last try.
        """
        if job.upright is not None and job.upright.problem is not None:
            return FullSizePhoto(why_not=job.upright.problem)
        if self.queue is None:
            return FullSizePhoto(why_not="photos are not prepared in this deployment")
        try:
            self.copies.fetch(copy_key(job.id, CopyKind.FULL_SIZE, FULL_SIZE_FORMAT), into)
        except CopyGoneError:
            if is_last_try:
                return FullSizePhoto(why_not="no copy of the photo could be made")
            raise
        return FullSizePhoto(file=into)

    def have_made(self, job: Job) -> None:
        """Request the copy again. Prepare sends no report when it is made."""
        if self.queue is not None:
            self.queue.prepare(
                PrepareRequest(job_id=job.id, source=job.source, wanted=(CopyKind.FULL_SIZE,))
            )
