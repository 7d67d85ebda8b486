"""Checks a fetched result, and makes the file that is published of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import CopyGoneError, IllegalMoveError, PictureError
from cutout.domain.job.job import Job
from cutout.domain.job.source import Photo, Prepared
from cutout.domain.messages.preparation import FULL_SIZE_FORMAT, CopyKind, PrepareRequest, copy_key
from cutout.domain.photo.photo_and_result_checks import Picture, has_aspect, why_result_needs_review
from cutout.domain.reasons import Reason
from cutout.domain.recipes import OwnPixels
from cutout.domain.states import Pixels
from cutout.ports.buckets import Copies
from cutout.ports.pictures import Pictures
from cutout.ports.queues import PreparationQueue

OwnPhoto = Path | str
"""The copy of a photo in full size, which only Prepare makes, or why there is none."""
NOT_REQUESTED: OwnPhoto = "they were not requested"
CAUTIOUS_FROM = 3
"""From this try on, the photo's own pixels and variants are left out: they may have failed."""
_MOST_ENTRIES_FOR_A_COPY = 12
"""Six waits of 15 s to 5 min; each enters the state twice."""


@dataclass(frozen=True, kw_only=True)
class FullSizePhotos:
    """Fetches Prepare's copies, and requests those that are gone.

    Attributes:
        queue: None in a deployment without Prepare.
    """

    copies: Copies
    queue: PreparationQueue | None

    def fetch(self, job: Job, into: Path, *, is_last_try: bool) -> OwnPhoto:
        """The photo of a job in full size.

        Raises:
            CopyGoneError: its copy is gone, or was never made, and was requested again; not on the
                last try. Prepare sends no report when it is made.
        """
        if job.upright is not None and job.upright.problem is not None:
            return job.upright.problem
        if self.queue is None:
            return "photos are not prepared in this deployment"
        try:
            self.copies.fetch(copy_key(job.id, CopyKind.FULL_SIZE, FULL_SIZE_FORMAT), into)
        except CopyGoneError:
            if is_last_try:
                return "no copy of the photo could be made"
            self.queue.prepare(
                PrepareRequest(job_id=job.id, source=job.source, wanted=(CopyKind.FULL_SIZE,))
            )
            raise
        return into


@dataclass(frozen=True, kw_only=True)
class FetchedResult:
    """A fetched result. Each step returns a copy with what it found or made.

    Attributes:
        file: its bytes, in a folder that exists for one message.
        picture: the decoded image; None if it cannot be decoded.
        review_reason: why a person must review it; None if it is accepted.
        pixels: whether its colours are the model's or the photo's.
        own: the photo in full size, or why there is none.
        remark: how it differs from the settings, and why; None if it does not.
    """

    job: Job
    file: Path
    picture: Picture | None = None
    review_reason: Reason | None = None
    pixels: Pixels = Pixels.MODEL
    own: OwnPhoto = NOT_REQUESTED
    remark: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether a person accepted it: the checks of a decoded image do not count."""
        reused = self.job.reused
        return self.job.decision is not None or (reused is not None and reused.is_accepted)

    @property
    def photo(self) -> Photo:
        """The photo's properties.

        Raises:
            IllegalMoveError: the photo was never checked, so there cannot be a result.
        """
        if self.job.photo is None:
            raise IllegalMoveError("a job without a photo cannot have a result")
        return self.job.photo


_PNG = "png"
_NOT_COMPARED = (
    "the model received the photo rotated by Exif, or not in sRGB: "
    "whether the cut-out shows it correctly was not checked"
)


@dataclass(frozen=True, kw_only=True)
class FinishCutout:
    """Checks results, turns them upright, and applies the photo's own pixels if they are wanted.

    The cut-out of a photo that was enlarged for the model gets the photo's size.
    """

    pictures: Pictures
    own_pixels: OwnPixels
    full_size_photos: FullSizePhotos

    def check(self, fetched: FetchedResult) -> FetchedResult:
        """Decode the result and check that it is a cut-out of the photo."""
        picture = self.pictures.examine(fetched.file)
        is_fine = fetched.is_accepted and picture is not None
        reason = None if is_fine else why_result_needs_review(picture, fetched.photo)
        return replace(fetched, picture=picture, review_reason=reason)

    def finish(self, fetched: FetchedResult) -> FetchedResult:
        """The cut-out to publish; a result under review stays as it came.

        Raises:
            CopyGoneError: it needs a copy of the photo in full size, which must be made first.
        """
        is_finished = fetched.pixels is Pixels.SOURCE  # It was finished before it came under review
        if fetched.picture is None or fetched.review_reason or is_finished:
            return fetched
        own = self._own_photo(fetched, fetched.picture)
        made, remark = None, _not_compared(fetched.job)
        if self.own_pixels.pixels is Pixels.SOURCE or fetched.photo.has_alpha:
            try:
                made = self.with_sources_pixels(fetched.file, own)
            except PictureError as exc:
                # The result was paid for: publish the model's pixels rather than nothing.
                remark = f"the photo's own pixels cannot be used: {exc}"
        file, picture = made or self.with_models_pixels(fetched)
        # The checks are repeated: the subject may be transparent in the photo itself, for example.
        # A finished cut-out is upright.
        upright = replace(fetched.photo, orientation=1)
        return replace(
            fetched,
            file=file,
            picture=picture,
            pixels=Pixels.SOURCE if made else Pixels.MODEL,
            own=own,
            remark=remark,
            review_reason=(
                None if fetched.is_accepted else why_result_needs_review(picture, upright)
            ),
        )

    def _own_photo(self, fetched: FetchedResult, picture: Picture) -> OwnPhoto:
        """The photo in full size, if the cut-out or a variant uses the photo's own pixels."""
        job, photo = fetched.job, fetched.photo
        if not photo.has_alpha and not self.own_pixels.are_wanted(job.source.key):
            return NOT_REQUESTED
        if job.failures >= CAUTIOUS_FROM:
            return "earlier tries failed"
        if fetched.is_accepted and not has_aspect(picture, photo.width, photo.height):
            # Its transparency would be stretched over the photo: not what the person has seen.
            return "the result has another aspect ratio"
        is_for_a_copy = job.reason is Reason.PREPARING or job.is_being_decided
        is_last_try = is_for_a_copy and job.tries >= _MOST_ENTRIES_FOR_A_COPY
        into = fetched.file.with_name("photo")
        return self.full_size_photos.fetch(job, into, is_last_try=is_last_try)

    def with_models_pixels(self, fetched: FetchedResult) -> tuple[Path, Picture]:
        """The result as an upright PNG, in the photo's size if the photo was enlarged.

        A result that already is one is not encoded again.

        Raises:
            PictureError: it cannot be decoded.
        """
        picture, file = fetched.picture, fetched.file
        if picture is None:
            raise PictureError("the model's result cannot be decoded")
        size = _size_before_enlarging(fetched.job, picture)
        if picture.format == _PNG and picture.orientation == 1 and size is None:
            return file, picture
        into = file.with_name("cut-out-model.png")
        return into, self.pictures.cut_out(file, into, size=size)

    def with_sources_pixels(self, result: Path, own: OwnPhoto) -> tuple[Path, Picture]:
        """A PNG with every pixel of the photo, transparent where the result is.

        Raises:
            PictureError: there is no copy of the photo, or it cannot be decoded.
        """
        if isinstance(own, str):
            raise PictureError(own)
        into = result.with_name("cut-out-source.png")
        return into, self.pictures.faithful_cut_out(result, own, into)


def _not_compared(job: Job) -> str | None:
    """A remark if the model may have misread the photo's orientation or colours.

    Deployments without Prepare send photos unchanged, and so did earlier versions, whose results
    may still be cached.
    """
    is_of_copy = job.reused.is_of_copy if job.reused else job.prepared is not None
    is_certain = is_of_copy or job.photo is None or job.photo.is_plain
    return None if is_certain else _NOT_COMPARED


def _size_before_enlarging(job: Job, picture: Picture) -> tuple[int, int] | None:
    """The photo's width and height if the result is larger because the copy was enlarged.

    None keeps the result's size. A result of another aspect ratio is not resized: that would
    hide that it is wrong.
    """
    photo, copy = job.photo, job.prepared
    if photo is None or copy is None or not _exceeds(copy, photo):
        return None
    if not _exceeds(picture, photo) or not has_aspect(picture, photo.width, photo.height):
        return None
    return photo.width, photo.height


def _exceeds(made: Picture | Prepared, photo: Photo) -> bool:
    return made.width > photo.width or made.height > photo.height
