"""Making the published cut-out from the model's result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import PictureError
from cutout.domain.job.job import Job
from cutout.domain.job.photo import Photo, Prepared
from cutout.domain.photo.acceptance import has_aspect, why_not_published
from cutout.domain.photo.picture import Picture
from cutout.domain.states import Pixels
from cutout.ports.pictures import Pictures
from cutout.usecases.store_result.fetched_result import FetchedResult
from cutout.usecases.store_result.full_size_photo import FullSizePhoto

_PNG = "png"
_NOT_COMPARED = (
    "the model received the photo rotated by Exif, or not in sRGB: "
    "whether the cut-out shows it correctly was not checked"
)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A cut-out, ready to be published.

    Attributes:
        pixels: whether its colours are the model's or the photo's.
        remark: how it differs from the settings, and why; None if it does not.
    """

    file: Path
    picture: Picture
    pixels: Pixels = Pixels.MODEL
    remark: str | None = None


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
        if fetched.picture is None or fetched.review_reason:
            return fetched
        if fetched.pixels is Pixels.SOURCE:
            # It was finished before it came under review.
            return fetched
        finished = self._finished(fetched.job, fetched.file, fetched.picture, own)
        reason = None if fetched.is_accepted else why_not_published(finished.picture, fetched.photo)
        return replace(
            fetched,
            file=finished.file,
            picture=finished.picture,
            pixels=finished.pixels,
            remark=finished.remark or _not_compared(fetched.job),
            review_reason=reason,
        )

    def with_models_pixels(self, job: Job, result: Path, picture: Picture) -> Finished:
        """The result as an upright PNG, in the photo's size if the photo was enlarged.

        A result that already is one is not encoded again.
        """
        size = _size_before_enlarging(job, picture)
        if picture.format == _PNG and picture.orientation == 1 and size is None:
            return Finished(file=result, picture=picture)
        into = result.with_name("cut-out-model.png")
        made = self.pictures.cut_out(result, into, size=size)
        return Finished(file=into, picture=made)

    def with_sources_pixels(self, result: Path, own: FullSizePhoto) -> Finished:
        """A PNG with every pixel of the photo, transparent where the result is.

        Raises:
            PictureError: there is no copy of the photo, or it cannot be decoded.
        """
        into = result.with_name("cut-out-source.png")
        made = self.pictures.faithful_cut_out(result, own.file_or_why_not(), into)
        return Finished(file=into, picture=made, pixels=Pixels.SOURCE)

    def _finished(self, job: Job, result: Path, picture: Picture, own: FullSizePhoto) -> Finished:
        if self.pixels is Pixels.MODEL and not (job.photo and job.photo.has_alpha):
            return self.with_models_pixels(job, result, picture)
        try:
            return self.with_sources_pixels(result, own)
        except PictureError as exc:
            # The result was paid for: publish the model's pixels rather than nothing.
            remark = f"the photo's own pixels cannot be used: {exc}"
        return replace(self.with_models_pixels(job, result, picture), remark=remark)


@dataclass(kw_only=True)
class VariantSources:
    """The finished cut-outs that recipes start from, each made when the first asks for it.

    Attributes:
        published: the one in the results bucket.
        pixels: whose colours that one has.
        own: the photo in full size, or why there is none.
        model: makes the one with the model's pixels, where `published` is not that.
    """

    finish_cutout: FinishCutout
    published: Path
    pixels: Pixels
    own: FullSizePhoto
    model: Callable[[], Finished]
    _made: dict[Pixels, Path] = field(default_factory=dict)

    def file(self, pixels: Pixels | None) -> Path:
        """The cut-out with these pixels; None means the published one.

        Raises:
            PictureError: it cannot be made.
        """
        wanted = pixels or self.pixels
        if wanted not in self._made:
            self._made[wanted] = self._make(wanted)
        return self._made[wanted]

    def _make(self, pixels: Pixels) -> Path:
        if pixels is self.pixels:
            return self.published
        if pixels is Pixels.MODEL:
            return self.model().file
        return self.finish_cutout.with_sources_pixels(self.published, self.own).file


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
