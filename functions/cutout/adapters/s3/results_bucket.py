"""The results bucket: cut-outs, and notes on photos that have none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cutout.adapters.s3.object_metadata import fitted, labels_of, written
from cutout.adapters.s3.objects import Objects, save
from cutout.domain.object_keys import MADE_BY, SOURCE_ORDER, SOURCE_VERSION
from cutout.ports.buckets import Labels, NoteRevision, StoredResult

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SAID_AT = "cutout-said-at"
_ROW_VERSION = "cutout-row-version"


class S3Results:
    """Results and notes; a write or removal names the entity tag that it expects."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._objects = Objects(client, bucket)

    def current(self, key: str) -> StoredResult | None:
        """The current object at the key; None if there is none."""
        head = self._objects.look(key)
        if head is None:
            return None
        metadata = head.get("Metadata", {})
        return StoredResult(
            etag=head["ETag"],
            order=metadata.get(SOURCE_ORDER),
            job_id=metadata.get(MADE_BY),
            source_version=metadata.get(SOURCE_VERSION),
            occasion=_occasion(metadata),
        )

    def fitted(self, labels: Labels, provenance: Mapping[str, str]) -> Labels:
        """The labels that one `put` can write, with the provenance."""
        return fitted(labels, provenance)

    def put(
        self,
        key: str,
        file: Path,
        *,
        content_type: str,
        labels: Labels,
        replacing: StoredResult | None,
    ) -> bool:
        """Store the file if the current object is still `replacing`; False if it is not."""
        with file.open("rb") as body:
            return self._objects.put(
                key,
                body,
                replacing=replacing.etag if replacing else None,
                ContentType=content_type,
                **written(labels),
            )

    def fetch(self, key: str, file: Path) -> Labels | None:
        """Write the object into the file; returns its labels, or None if there is no object."""
        answer = self._objects.open(key)
        tagging = self._objects.tags(key) if answer else None
        if answer is None or tagging is None:
            return None
        save(answer["Body"], file)
        return labels_of(answer, tagging["TagSet"])

    def download(self, key: str, file: Path) -> bool:
        """Write the object into the file; False if there is no object."""
        answer = self._objects.open(key)
        if answer is None:
            return False
        save(answer["Body"], file)
        return True

    def remove(self, key: str, current: StoredResult) -> bool:
        """Remove the object if it is still that one; False if it is not."""
        return self._objects.remove(key, current.etag)

    def write(
        self,
        key: str,
        text: str,
        *,
        job_id: str,
        occasion: NoteRevision,
        replacing: StoredResult | None,
    ) -> bool:
        """Write a note in JSON if the current object is still `replacing`; False if it is not."""
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
