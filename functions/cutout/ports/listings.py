"""What an operator's commands need from the world: all objects of a bucket, all rows of the table.

The functions look at one photo at a time and use none of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.states import Lane, Reason, State
from cutout.ports.jobs_table import LatestVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedObject:
    """The newest version of a key, as a listing shows it.

    Attributes:
        version_id: None where the bucket kept no versions when it was written.
        etag: without quotation marks, as events name it.
        size: bytes.
    """

    key: str
    version_id: str | None
    etag: str
    size: int
    modified_at: datetime

    def is_same(self, other: ListedObject | None) -> bool:
        """The same bytes at the same key; times are told with more or less precision."""
        if other is None:
            return False
        ours = (self.key, self.version_id, self.etag)
        return ours == (other.key, other.version_id, other.etag)

    def source(self, bucket: str, sequencer: str = "") -> Source:
        """The upload, whose event nobody has seen."""
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
    """Where a cut-out comes from, by its metadata.

    Attributes:
        job_id: the job that made it.
        version: the source's version, or its entity tag where it had none.
        order: the source's place among the events of its key.
    """

    job_id: str
    version: str
    order: str


class BucketListing(Protocol):
    """One bucket, as it is listed."""

    @property
    def bucket(self) -> str:
        """Its name."""
        ...

    def pages(self, prefix: str) -> Iterator[Sequence[ListedObject]]:
        """The newest version of every key that stands, by key, a request a page."""
        ...

    def newest(self, key: str) -> ListedObject | None:
        """The newest version of one key; None if there is none or the key is deleted."""
        ...

    def provenance(self, key: str) -> Provenance | None:
        """What a cut-out was made from; None for what is not there, or not ours."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StateEntry:
    """An entry of the index by state: a job, and when it was written last (to the millisecond)."""

    job_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSummary:
    """How a job stands: the little of it that a survey of all jobs needs."""

    job_id: str
    etag: str
    state: State
    reason: Reason | None
    result_key: str | None


class JobIndex(Protocol):
    """The jobs table, many rows at a time."""

    def moved(
        self, state: State, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StateEntry]:
        """Jobs in a state, those that were written last first, within both times (eventual)."""
        ...

    def find_all(self, job_ids: Sequence[str]) -> Sequence[Job]:
        """The jobs that exist of these, in this order."""
        ...

    def summaries(self, job_ids: Sequence[str]) -> Mapping[str, JobSummary]:
        """How the jobs stand that exist of these, by id."""
        ...

    def newest_all(self, source_refs: Sequence[str]) -> Mapping[str, LatestVersion]:
        """The newest that is known of these keys, by their names."""
        ...


class UploadQueue(Protocol):
    """The queue that Submit reads, for uploads that no event tells of."""

    def queue(self, sources: Sequence[Source], lane: Lane) -> None:
        """Have Submit make jobs of these uploads, in this lane."""
        ...

    def length(self) -> int:
        """About how many messages stand in the queue."""
        ...


class ObjectCopies(Protocol):
    """Copying from one bucket into another, without the bytes passing through here."""

    def copy(self, listed: ListedObject, key: str, marks: Mapping[str, str]) -> bool | None:
        """Copy with metadata and tags, and these marks besides.

        Returns False, having done nothing, if the source changed or something stands at the key by
        now; None, having done nothing, for a cut-out of ours.

        Raises:
            ObjectRefusedError: this object cannot be copied, whatever happens to others.
        """
        ...
