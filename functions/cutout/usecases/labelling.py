"""What a cut-out carries besides its pixels: its source's labels, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from cutout.job import Job
from cutout.keys import MADE_BY, SOURCE_ORDER, SOURCE_VERSION
from cutout.ports.buckets import Labels, Uploads
from cutout.ports.telemetry import Telemetry
from cutout.provider import Task

MAX_METADATA_BYTES = 2048
"""S3's limit for user metadata, names and values together, each in UTF-8.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""
STATE_TAG = "cutout"
"""The tag by which a source says what became of it: it is about the source, not the cut-out."""
_OURS = "cutout-"
"""Metadata of these names is provenance, or says how a photo is to be treated."""
_RESERVED = "aws:"
"""Tags of these names are AWS's own, and cannot be written."""


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """Writes the labels of results."""

    uploads: Uploads
    telemetry: Telemetry
    model: str

    def labels(self, job: Job, task: Task) -> Labels:
        """The source's own labels, and where the cut-out comes from.

        Provenance comes first. The source's metadata follows in the order of its names, each entry
        whole or not at all; what is left out for want of room is logged.

        Raises:
            SourceGoneError: the source is no longer there.
        """
        own = self.uploads.labels(job.source)
        provenance = {
            MADE_BY: job.id,
            SOURCE_VERSION: job.source.version_id or job.source.etag,
            SOURCE_ORDER: job.source.order,
            "cutout-model": self.model,
            "cutout-task": task.id,
        }
        theirs = {name: text for name, text in own.metadata.items() if not _is_ours(name)}
        carried = _fitted(theirs, MAX_METADATA_BYTES - _weight(provenance))
        self._tell_left_out("metadata", theirs, carried)
        tags = {name: text for name, text in own.tags.items() if _is_to_be_carried(name)}
        return Labels(metadata=provenance | carried, tags=tags, handling=own.handling)

    def _tell_left_out(self, kind: str, theirs: dict[str, str], carried: dict[str, str]) -> None:
        names = sorted(theirs.keys() - carried.keys())
        if names:
            self.telemetry.fact("labels left out for want of room", kind=kind, names=names)


def _is_ours(name: str) -> bool:
    return name.lower().startswith(_OURS)


def _is_to_be_carried(tag: str) -> bool:
    return tag != STATE_TAG and not tag.lower().startswith(_RESERVED)


def _fitted(metadata: dict[str, str], room: int) -> dict[str, str]:
    carried: dict[str, str] = {}
    for name, value in sorted(metadata.items()):
        weight = _weight({name: value})
        if weight <= room:
            carried[name] = value
            room -= weight
    return carried


def _weight(metadata: dict[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
