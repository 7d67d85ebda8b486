"""Fetches a result, checks it, and makes the file that is published of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import (
    FetchRefusedError,
    IllegalMoveError,
    PictureError,
    ResponseLostError,
)
from cutout.domain.job.job import Job
from cutout.domain.job.source import Photo, Prepared
from cutout.domain.object_keys import review_key
from cutout.domain.photo.photo_and_result_checks import (
    MAGIC_BYTES,
    Picture,
    begins_as_picture,
    breaks_off,
    has_aspect,
    why_cut_out_needs_review,
    why_result_needs_review,
)
from cutout.domain.provider_outcomes import Task
from cutout.domain.reasons import Reason
from cutout.domain.states import Pixels
from cutout.ports.pictures import Pictures
from cutout.ports.provider_api import Downloads
from cutout.ports.telemetry import Clock
from cutout.usecases.store_result.full_size_photo import FullSizePhoto

_READ_AGAIN_FOR = timedelta(minutes=15)
_NO_PICTURE = "what the link serves cannot be read as a picture"


@dataclass(frozen=True, kw_only=True)
class FetchedResult:
    """A fetched result. Each step returns a copy with what it found or made.

    Attributes:
        file: its bytes, in a folder that exists for one message.
        picture: the decoded image; None if it cannot be decoded.
        review_reason: why a person must review it; None if it is accepted.
        place: the key that is claimed for the review.
        pixels: whether its colours are the model's or the photo's.
        remark: how it differs from the settings, and why; None if it does not.
    """

    job: Job
    file: Path
    picture: Picture | None = None
    review_reason: Reason | None = None
    place: str | None = None
    pixels: Pixels = Pixels.MODEL
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

    @property
    def key(self) -> str:
        """Where it is stored: the photo's result key, or a key for review.

        Raises:
            IllegalMoveError: the job never claimed a key, so there cannot be a result.
        """
        if self.job.result_key is None:
            raise IllegalMoveError("a job without a result key cannot have a result")
        if self.review_reason is None:
            return self.job.result_key
        return self.place or review_key(self.job.result_key)


@dataclass(frozen=True, kw_only=True)
class ResultFetcher:
    """Downloads results and checks that they are cut-outs."""

    downloads: Downloads
    pictures: Pictures
    clock: Clock

    def fetch(self, job: Job, task: Task, file: Path, *, is_decoded: bool) -> FetchedResult:
        """Download the result into `file`, and decode it if `is_decoded`; else it needs review.

        Raises:
            FetchRefusedError: the link must not be fetched, or serves something else.
            TransientError: the result cannot be fetched now.
            PictureError: the link has served no image for `_READ_AGAIN_FOR`.
        """
        if task.result_url is None:
            raise FetchRefusedError("the task is completed but names no result")
        self.downloads.fetch(task.result_url, file)
        # A link may be published before its file is complete, so it is fetched again for a while.
        is_read_again = self.clock.now() - job.in_state_since < _READ_AGAIN_FOR
        with file.open("rb") as stream:
            is_picture = begins_as_picture(stream.read(MAGIC_BYTES))
            stream.seek(0)
            if is_read_again and breaks_off(stream):
                raise ResponseLostError("the result's file breaks off before its end")
        fetched = FetchedResult(job=job, file=file)
        if not is_decoded:
            return replace(fetched, review_reason=Reason.RESULT_UNCHECKED)
        checked = self.check(fetched)
        if checked.picture is None and is_read_again:
            raise ResponseLostError(_NO_PICTURE)
        if checked.picture is None and not is_picture:
            # An image that stays damaged is the result, and fails the check; this never was one.
            raise PictureError(_NO_PICTURE)
        return checked

    def check(self, fetched: FetchedResult) -> FetchedResult:
        """Decode the result and check that it is a cut-out of the photo."""
        picture = self.pictures.examine(fetched.file)
        is_fine = fetched.is_accepted and picture is not None
        reason = None if is_fine else why_result_needs_review(picture, fetched.photo)
        return replace(fetched, picture=picture, review_reason=reason)


_PNG = "png"
_NOT_COMPARED = (
    "the model received the photo rotated by Exif, or not in sRGB: "
    "whether the cut-out shows it correctly was not checked"
)


@dataclass(frozen=True, kw_only=True)
class FinishCutout:
    """Turns results upright, and applies the photo's own pixels if the settings say so.

    The cut-out of a photo that was enlarged for the model gets the photo's size.

    Attributes:
        pixels: the deployment's setting.
    """

    pictures: Pictures
    pixels: Pixels

    def finish(self, fetched: FetchedResult, own: FullSizePhoto) -> FetchedResult:
        """The cut-out to publish; a result under review stays as it came.

        Args:
            fetched: a decoded result.
            own: the photo in full size, or why its own pixels cannot be used.
        """
        job = fetched.job
        is_finished = fetched.pixels is Pixels.SOURCE  # It was finished before it came under review
        if fetched.picture is None or fetched.review_reason or is_finished:
            return fetched
        made, remark = None, _not_compared(job)
        if self.pixels is Pixels.SOURCE or fetched.photo.has_alpha:
            try:
                made = self.with_sources_pixels(fetched.file, own)
            except PictureError as exc:
                # The result was paid for: publish the model's pixels rather than nothing.
                remark = f"the photo's own pixels cannot be used: {exc}"
        file, picture = made or self.with_models_pixels(fetched)
        return replace(
            fetched,
            file=file,
            picture=picture,
            pixels=Pixels.SOURCE if made else Pixels.MODEL,
            remark=remark,
            review_reason=(
                None if fetched.is_accepted else why_cut_out_needs_review(picture, fetched.photo)
            ),
        )

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

    def with_sources_pixels(self, result: Path, own: FullSizePhoto) -> tuple[Path, Picture]:
        """A PNG with every pixel of the photo, transparent where the result is.

        Raises:
            PictureError: there is no copy of the photo, or it cannot be decoded.
        """
        into = result.with_name("cut-out-source.png")
        return into, self.pictures.faithful_cut_out(result, own.file_or_why_not(), into)


@dataclass(kw_only=True)
class VariantSources:
    """The cut-out that recipes start from: as published, or made when the first asks for it.

    Attributes:
        published: the one in the results bucket.
        pixels: whose colours that one has.
        own: the photo in full size, or why there is none.
        result: the model's, where `published` has other pixels; None if it is no longer cached.
        problem: why no variant can be made; None if they can.
    """

    finish_cutout: FinishCutout
    published: Path
    pixels: Pixels
    own: FullSizePhoto
    result: FetchedResult | None
    problem: str | None = None
    _made: Path | None = None

    def file(self, pixels: Pixels | None) -> Path:
        """The cut-out with these pixels; None means the published one.

        Raises:
            PictureError: it cannot be made.
        """
        if self.problem is not None:
            raise PictureError(self.problem)
        if pixels in {None, self.pixels}:
            return self.published
        if self._made is None:
            self._made, _ = self._other()
        return self._made

    def _other(self) -> tuple[Path, Picture]:
        """The cut-out with the pixels that the published one does not have."""
        if self.pixels is Pixels.MODEL:
            return self.finish_cutout.with_sources_pixels(self.published, self.own)
        if self.result is None:
            raise PictureError("the model's result is no longer cached")
        return self.finish_cutout.with_models_pixels(self.result)


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
