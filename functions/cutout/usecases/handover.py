"""Giving the provider access to a photo: by a link, or by a copy at its Files API."""

from __future__ import annotations

from dataclasses import dataclass

from cutout.job import Job
from cutout.ports import Files, PhotoLinks, Uploads
from cutout.provider import NotSent, Refused, Uploaded
from cutout.states import Transport

_CONTENT_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
_WEBP = "image/webp"


@dataclass(frozen=True, kw_only=True)
class Handover:
    """Makes the URL that goes into the call.

    Attributes:
        transport: how it is done unless a job says otherwise.
    """

    uploads: Uploads
    links: PhotoLinks
    files: Files
    transport: Transport

    def url(self, job: Job, number: int) -> Uploaded | Refused | NotSent:
        """The URL of a job's photo for attempt `number`; `file_id` is empty for a link.

        Raises:
            SourceGoneError: the photo is no longer there.
        """
        if (job.transport or self.transport) is Transport.PRESIGNED:
            return Uploaded(file_id="", url=self.links.link(job.source))
        format_ = job.photo.format if job.photo else "jpeg"
        return self.files.upload(
            f"{job.id}-{number}.{format_}",
            _CONTENT_TYPES.get(format_, _WEBP),
            self.uploads.read(job.source).data,
        )
