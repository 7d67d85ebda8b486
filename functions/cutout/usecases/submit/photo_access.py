"""Gives the provider access to a photo: by a link, or by a copy in its file store."""

from __future__ import annotations

from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import SourceGoneError
from cutout.domain.job.job import Job
from cutout.domain.job.photo import Photo
from cutout.domain.object_keys import same_bytes_key
from cutout.domain.photo.formats import media_type
from cutout.domain.provider import NotSent, Refused, Uploaded
from cutout.domain.states import Transport
from cutout.ports.buckets import Copies, PhotoLinks, Uploads
from cutout.ports.provider_api import Files
from cutout.usecases.shared import temp_folder


@dataclass(frozen=True, kw_only=True)
class PhotoAccess:
    """Makes the URL that the call contains: of the prepared copy, if there is one.

    Attributes:
        transport: how the provider gets photos, unless the job has its own setting.
    """

    uploads: Uploads
    copies: Copies
    links: PhotoLinks
    files: Files
    transport: Transport

    def url(self, job: Job, number: int) -> Uploaded | Refused | NotSent:
        """The URL of a job's photo for attempt `number`; `file_id` is empty for a link.

        Raises:
            SourceGoneError: the photo is no longer there.
            CopyGoneError: its copy is not.
        """
        copy = job.prepared
        sent = copy or job.photo
        format_ = sent.format if sent else "jpeg"
        content_type = media_type(format_)
        if (job.transport or self.transport) is Transport.PRESIGNED:
            return Uploaded(file_id="", url=self._link(job, content_type))
        return self.files.upload(
            f"{job.id}-{number}.{format_}",
            content_type,
            self.copies.read(copy.key) if copy else self.uploads.read(job.source).data,
        )

    def _link(self, job: Job, content_type: str) -> str:
        """A link that serves the job's exact bytes, even if the key is overwritten."""
        if job.prepared is not None:
            return self.links.copy_link(job.prepared.key, content_type)
        if job.source.version_id is not None:
            return self.links.link(job.source, content_type)
        return self.links.copy_link(self._same_bytes(job, job.photo), content_type)

    def _same_bytes(self, job: Job, photo: Photo | None) -> str:
        """Copy a photo of a bucket without versions into the work bucket; returns the copy's key.

        A link without a version serves whatever is at the key: after an overwrite the provider
        would cut out another photo, and its result would be stored as this job's.
        """
        with temp_folder.folder() as folder:
            file = Path(folder) / "photo"
            fetched = self.uploads.fetch(job.source, file)
            if photo is None or fetched.sha256 != photo.sha256:
                raise SourceGoneError("the object was overwritten after it was checked")
            key = same_bytes_key(job.id, photo.format)
            self.copies.put(key, file, content_type=media_type(photo.format))
        return key
