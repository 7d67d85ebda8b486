"""The files of a job in the buckets: the photo, the cut-out and its variants."""

from cutout.cli.photo_files import content_type
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State

_SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"})
_MAX_THUMBNAIL_BYTES = 10 << 20


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """An object of a bucket that a page shows or offers."""

    bucket: str
    key: str
    size: int
    version_id: str | None = None
    is_picture: bool = True

    @property
    def media_type(self) -> str:
        """Its type by its name; what browsers do not show has a type that they only save."""
        named = content_type(self.key)
        return named if named in _SHOWN else "application/octet-stream"

    @property
    def is_shown(self) -> bool:
        """Whether browsers show it."""
        return self.is_picture and self.media_type in _SHOWN

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.key.rpartition("/")[2] or "file"


def photo_of(job: Job) -> StoredFile:
    """Return the photo that was uploaded."""
    source = job.source
    return StoredFile(
        bucket=source.bucket,
        key=source.key,
        size=source.size,
        version_id=source.version_id,
        is_picture=job.reason is not Reason.NOT_A_PHOTO,
    )


def cut_out_of(job: Job) -> StoredFile | None:
    """Return the cut-out, or the kept result of a job in review."""
    if job.result is None or job.state not in {State.COMPLETED, State.REVIEW}:
        return None
    return StoredFile(bucket=job.result.bucket, key=job.result.key, size=job.result.size)


def variants_of(job: Job) -> dict[str, StoredFile]:
    """Return the variants by the names of their recipes."""
    if job.result is None:
        return {}
    return {
        one.recipe: StoredFile(bucket=job.result.bucket, key=one.key, size=one.size)
        for one in job.variants
        if one.key is not None
    }


def thumbnail_of(job: Job) -> str | None:
    """Return the name of the file that the board shows: the smallest that shows most."""
    small = {
        f"variants/{recipe}": file for recipe, file in variants_of(job).items() if file.is_shown
    }
    if small:
        return min(small, key=lambda name: small[name].size)
    if cut_out_of(job):
        return "cut-out"
    photo = photo_of(job)
    return "photo" if photo.is_shown and photo.size <= _MAX_THUMBNAIL_BYTES else None
