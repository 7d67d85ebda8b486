"""Checking an upload before anything is paid: is it a photo that the model takes?"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NeedsPreparingError, NotAPhotoError, SourceGoneError
from cutout.domain.job.job import Job
from cutout.domain.messages.upload_marks import read_marks
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, check_size, inspect
from cutout.domain.reasons import REFUSALS, Reason
from cutout.domain.recipes import OwnPixels
from cutout.domain.states import Lane
from cutout.ports.buckets import Uploads


@dataclass(frozen=True, kw_only=True)
class Precheck:
    """Checks uploads.

    Attributes:
        copies_are_made: False in a deployment without Prepare: photos are sent as they are.
        own_pixels: which cut-outs have their photo's own pixels.
    """

    uploads: Uploads
    limits: PhotoLimits
    copies_are_made: bool
    own_pixels: OwnPixels

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
        return job if job.photo else self._inspected(job)

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

    def _inspected(self, job: Job) -> Job:
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
