"""Making the cut-out that is published of the result that the model gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from cutout.acceptance import has_aspect, why_not_published
from cutout.errors import NotAPhotoError, PictureError, SourceGoneError
from cutout.job import Job, Photo, Prepared
from cutout.ports.buckets import Uploads
from cutout.ports.pictures import Picture, Pictures
from cutout.states import Pixels
from cutout.usecases.delivery import Delivery

_PNG = "png"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A cut-out as it is published.

    Attributes:
        pixels: whose colours it has.
        remark: what is not as it was asked for, and why; None if all is.
    """

    file: Path
    picture: Picture
    pixels: Pixels = Pixels.MODEL
    remark: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finishing:
    """Turns results upright, keeps their colours right, and takes the photo's pixels if asked to.

    A photo that was enlarged for the model gets its cut-out in its own size.

    Attributes:
        pixels: whose pixels a cut-out has where nobody says otherwise.
    """

    pictures: Pictures
    uploads: Uploads
    pixels: Pixels

    def finish(self, delivery: Delivery, *, is_cautious: bool = False) -> Delivery:
        """The cut-out to publish; a result in doubt stays as it came.

        Args:
            delivery: an examined result.
            is_cautious: workers died of it: the model's pixels must do.

        Raises:
            SourceGoneError: the photo is needed, and no longer there.
        """
        if delivery.picture is None or delivery.doubt:
            return delivery
        finished = self._finished(
            delivery.job, delivery.file, delivery.picture, is_cautious=is_cautious
        )
        return replace(
            delivery,
            file=finished.file,
            picture=finished.picture,
            pixels=finished.pixels,
            remark=finished.remark,
            doubt=why_not_published(finished.picture, delivery.photo),
        )

    def with_models_pixels(
        self, job: Job, result: Path, picture: Picture, *, is_cautious: bool = False
    ) -> Finished:
        """A PNG of the result, upright, and no larger than a photo that was enlarged for the model.

        A result that is that already costs nothing.

        Raises:
            SourceGoneError: the photo is needed to compare with, and no longer there.
        """
        compares, size = needs_source(job), _size_before_enlarging(job, picture)
        is_upright_png = picture.format == _PNG and picture.orientation == 1
        if is_upright_png and not compares and size is None:
            return Finished(file=result, picture=picture)
        into = result.with_name("cut-out-model.png")
        why = "each try to do so failed"
        if not (compares and is_cautious):
            try:
                source = self._source(job, result) if compares else None
                made = self.pictures.cut_out(result, source, into, size=size)
                return Finished(file=into, picture=made)
            except PictureError as exc:
                why = str(exc)
        made = self.pictures.cut_out(result, None, into, size=size)
        remark = f"it could not be compared with the photo: {why}"
        return Finished(file=into, picture=made, remark=remark)

    def with_sources_pixels(self, job: Job, result: Path) -> Finished:
        """A PNG of every pixel of the photo, transparent where the result is.

        Raises:
            PictureError: the photo cannot be decoded.
            SourceGoneError: it is no longer there.
        """
        into = result.with_name("cut-out-source.png")
        made = self.pictures.faithful_cut_out(result, self._source(job, result), into)
        return Finished(file=into, picture=made, pixels=Pixels.SOURCE)

    def _finished(
        self,
        job: Job,
        result: Path,
        picture: Picture,
        *,
        is_cautious: bool,
    ) -> Finished:
        if self.pixels is Pixels.MODEL and not _is_transparent(job):
            return self.with_models_pixels(job, result, picture, is_cautious=is_cautious)
        why = "workers ended over them"
        if not is_cautious:
            try:
                return self.with_sources_pixels(job, result)
            except PictureError as exc:
                why = str(exc)
        # It was paid for: better the model's own pixels than nothing.
        remark = f"the photo's own pixels cannot be used: {why}"
        made = self.with_models_pixels(job, result, picture, is_cautious=is_cautious)
        return replace(made, remark=remark)

    def _source(self, job: Job, result: Path) -> Path:
        """The photo's bytes in a file beside the result, fetched once.

        Raises:
            PictureError: it cannot be read any more: archived, say, since it was sent.
            SourceGoneError: it is no longer there.
        """
        file = result.with_name("source")
        if not file.exists():
            try:
                file.write_bytes(self.uploads.read(job.source).data)
            except NotAPhotoError as exc:
                raise PictureError(str(exc)) from exc
        return file


@dataclass(kw_only=True)
class Bases:
    """The finished cut-outs that recipes start from, each made when the first asks for it.

    Attributes:
        published: the one that stands in the results bucket.
        model: makes the one with the model's pixels, where `published` is not that.
    """

    finishing: Finishing
    job: Job
    published: Finished
    model: Callable[[], Finished]
    _made: dict[Pixels, Path] = field(default_factory=dict)

    def file(self, pixels: Pixels | None) -> Path:
        """The cut-out with these pixels; None means the published one.

        Raises:
            PictureError: it cannot be had.
        """
        wanted = pixels or self.published.pixels
        if wanted not in self._made:
            self._made[wanted] = self._make(wanted)
        return self._made[wanted]

    def _make(self, pixels: Pixels) -> Path:
        if pixels is self.published.pixels:
            return self.published.file
        try:
            if pixels is Pixels.MODEL:
                return self.model().file
            return self.finishing.with_sources_pixels(self.job, self.published.file).file
        except SourceGoneError as exc:
            raise PictureError("the photo is no longer there") from exc


def _is_transparent(job: Job) -> bool:
    """The photo is transparent itself, which the model's result no longer shows.

    So its own pixels are published, whatever the setting: they have its transparency.
    """
    return job.photo is not None and job.photo.has_alpha


def needs_source(job: Job) -> bool:
    """Whether a result may be turned otherwise than its photo, or in other colours.

    Most photos say nothing of either, and need not be read a second time. A copy that was prepared
    is upright and in sRGB, and so is what is made of it.
    """
    photo = job.photo
    if photo is None or job.prepared is not None:
        return False
    return photo.orientation != 1 or photo.profile is not None


def _size_before_enlarging(job: Job, picture: Picture) -> tuple[int, int] | None:
    """The photo's width and height, where the result is larger because the copy was enlarged.

    None where the result's size is to stay. A result of another shape is not forced into the
    photo's: that would hide that it is wrong.
    """
    photo, copy = job.photo, job.prepared
    if photo is None or copy is None or not _exceeds(copy, photo):
        return None
    if not _exceeds(picture, photo) or not has_aspect(picture, photo.width, photo.height):
        return None
    return photo.width, photo.height


def _exceeds(made: Picture | Prepared, photo: Photo) -> bool:
    return made.width > photo.width or made.height > photo.height
