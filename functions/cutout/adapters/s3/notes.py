"""Error notes, in the results bucket."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from cutout.adapters.s3.objects import Objects
from cutout.domain.object_keys import MADE_BY, SOURCE_ORDER
from cutout.ports.buckets import CurrentNote, NoteRevision

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SAID_AT = "cutout-said-at"
_ROW_VERSION = "cutout-row-version"


class S3Notes:
    """Notes; a write or removal names the entity tag that it expects."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._objects = Objects(client, bucket)

    def current(self, key: str) -> CurrentNote | None:
        """The current note or other object at the key."""
        head = self._objects.look(key)
        if head is None:
            return None
        metadata = head.get("Metadata", {})
        return CurrentNote(
            etag=head["ETag"],
            occasion=_occasion(metadata),
            job_id=metadata.get(MADE_BY),
        )

    def write(
        self,
        key: str,
        text: str,
        *,
        job_id: str,
        occasion: NoteRevision,
        replacing: CurrentNote | None,
    ) -> bool:
        """Write JSON if the current object is still `replacing`; False if it is not."""
        return self._objects.put(
            key,
            text.encode(),
            replacing=replacing.etag if replacing else None,
            ContentType="application/json",
            CacheControl="no-cache",
            Metadata={
                MADE_BY: job_id,
                SOURCE_ORDER: occasion.order,
                _SAID_AT: occasion.at.isoformat(),
                _ROW_VERSION: str(occasion.version),
            },
        )

    def remove(self, key: str, current: CurrentNote) -> bool:
        """Remove the note if it is still that one; False if it is not."""
        return self._objects.remove(key, current.etag)


def _occasion(metadata: Mapping[str, str]) -> NoteRevision | None:
    """The revision of a note; None for an object that is no note of ours."""
    try:
        return NoteRevision(
            order=metadata[SOURCE_ORDER],
            # Notes of earlier versions have none: any other note about the upload is later.
            version=int(metadata.get(_ROW_VERSION, "0")),
            at=datetime.fromisoformat(metadata[_SAID_AT]),
        )
    except (KeyError, ValueError):
        return None
