"""Ports of operators' commands: all objects of a bucket, and many jobs at a time.

The functions process one photo at a time and use none of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion, Source
from cutout.domain.states import Lane, State


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedObject:
    """The newest version of a key, as a listing shows it.

    Attributes:
        version_id: None if the bucket was not versioned when it was written.
        etag: without quotation marks, as in events.
        size: bytes.
    """

    key: str
    version_id: str | None
    etag: str
    size: int
    modified_at: datetime

    def is_same(self, other: ListedObject | None) -> bool:
        """Whether it is the same version; times are not compared, as their precision varies."""
        if other is None:
            return False
        ours = (self.key, self.version_id, self.etag)
        return ours == (other.key, other.version_id, other.etag)

    def source(self, bucket: str, sequencer: str = "") -> Source:
        """The upload, as a source without an event."""
        return Source(
            bucket=bucket,
            key=self.key,
            version_id=self.version_id,
            etag=self.etag,
            sequencer=sequencer,
            size=self.size,
            modified_at=self.modified_at,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """The origin of a cut-out, from its metadata.

    Attributes:
        job_id: the job that made it.
        version: the source's version, or its entity tag in a bucket without versions.
        order: the order of the source's upload.
    """

    job_id: str
    version: str
    order: str


class BucketListing(Protocol):
    """The objects of one bucket."""

    @property
    def bucket(self) -> str:
        """The bucket's name."""

    def pages(self, prefix: str) -> Iterator[Sequence[ListedObject]]:
        """The newest version of every existing key, in the order of keys; one request a page."""

    def newest(self, key: str) -> ListedObject | None:
        """The newest version of one key; None if there is none or the key is deleted."""

    def provenance(self, key: str) -> Provenance | None:
        """The origin of a cut-out; None if there is no object, or it is not ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StateEntry:
    """An entry of the index by state.

    Attributes:
        at: when the job ended or, if it has not, began; in milliseconds.
    """

    job_id: str
    at: datetime


class JobIndex(Protocol):
    """Many jobs at a time."""

    def moved(
        self, state: State, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StateEntry]:
        """Jobs that ended in a state, the last first, between both times (eventual)."""

    def moving(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StateEntry]:
        """Jobs that have not ended, the last one that began first, between both times."""

    def find_all(self, job_ids: Sequence[str]) -> Sequence[Job]:
        """The existing jobs with these ids, in this order."""

    def newest_all(self, source_refs: Sequence[str]) -> Mapping[str, LatestVersion]:
        """The newest upload or deletion of each of these keys, by `source_ref`."""


class UploadQueue(Protocol):
    """The submissions queue, for uploads without an event."""

    def queue(self, sources: Sequence[Source], lane: Lane) -> None:
        """Enqueue these uploads with this priority, so that Submit makes jobs of them."""

    def length(self) -> int:
        """The approximate number of messages in the queue."""


class ObjectCopies(Protocol):
    """Server-side copies from one bucket into another."""

    def copy(self, listed: ListedObject, key: str, marks: Mapping[str, str]) -> bool | None:
        """Copy an object with its metadata and tags, adding these marks to the metadata.

        Returns False without a copy if the source changed or the key has an object by now, and
        None without a copy if the source is a cut-out of ours.

        Raises:
            ObjectRefusedError: S3 cannot copy this object.
        """
