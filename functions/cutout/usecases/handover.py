"""Giving the provider access to a photo: by a link, or by a copy at its Files API."""

from __future__ import annotations

from dataclasses import dataclass

from cutout.job import Job
from cutout.ports.buckets import Copies, PhotoLinks, Uploads
from cutout.ports.provider import Files
from cutout.provider import NotSent, Refused, Uploaded
from cutout.states import Transport

_CONTENT_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
_WEBP = "image/webp"


@dataclass(frozen=True, kw_only=True)
class Handover:
    """Makes the URL that goes into the call: of the copy that was prepared, if there is one.

    Attributes:
        transport: how it is done unless a job says otherwise.
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
        if (job.transport or self.transport) is Transport.PRESIGNED:
            url = self.links.copy_link(copy.key) if copy else self.links.link(job.source)
            return Uploaded(file_id="", url=url)
        sent = copy or job.photo
        format_ = sent.format if sent else "jpeg"
        return self.files.upload(
            f"{job.id}-{number}.{format_}",
            _CONTENT_TYPES.get(format_, _WEBP),
            self.copies.read(copy.key) if copy else self.uploads.read(job.source).data,
        )
