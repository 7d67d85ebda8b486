"""What a cut-out carries besides its pixels: its source's labels, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from cutout.job import Job
from cutout.keys import MADE_BY
from cutout.ports import Labels, Uploads
from cutout.provider import Task

_MAX_METADATA_BYTES = 2048
"""S3's limit for user metadata, names and values together."""


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """Writes the labels of results."""

    uploads: Uploads
    model: str

    def labels(self, job: Job, task: Task) -> Labels:
        """The source's own metadata and tags, and where the cut-out comes from.

        Raises:
            SourceGoneError: the source is no longer there.
        """
        own = self.uploads.labels(job.source)
        provenance = {
            MADE_BY: job.id,
            "cutout-source-version": job.source.version_id or job.source.etag,
            "cutout-source-order": job.source.order,
            "cutout-model": self.model,
            "cutout-task": task.id,
        }
        room = _MAX_METADATA_BYTES - _weight(provenance)
        metadata = dict(provenance)
        for name, value in sorted(own.metadata.items()):
            weight = _weight({name: value})
            if weight <= room and name not in metadata:
                metadata[name] = value
                room -= weight
        return Labels(metadata=metadata, tags=own.tags)


def _weight(metadata: dict[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
