from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cutout.domain.errors import ObjectRefusedError
from cutout.domain.job.source import Source
from cutout.domain.object_keys import MADE_BY
from cutout.domain.states import Lane
from cutout.ports.listings import ListedObject, Provenance

OLD = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class MemoryObjects:
    """A bucket that is listed a page at a time."""

    bucket: str = "uploads"
    page_size: int = 1000
    objects: dict[str, ListedObject] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: int = 0

    def add(
        self,
        key: str,
        *,
        at: datetime = OLD,
        size: int = 1000,
        version_id: str | None = "v1",
        etag: str = "e1",
    ) -> ListedObject:
        """Put an object into the bucket."""
        listed = ListedObject(key=key, version_id=version_id, etag=etag, size=size, modified_at=at)
        self.objects[key] = listed
        return listed

    def pages(self, prefix: str) -> Iterator[list[ListedObject]]:
        found = [self.objects[key] for key in sorted(self.objects) if key.startswith(prefix)]
        for start in range(0, max(len(found), 1), self.page_size):
            self.requests += 1
            yield found[start : start + self.page_size]

    def newest(self, key: str) -> ListedObject | None:
        self.requests += 1
        return self.objects.get(key)

    def provenance(self, key: str) -> Provenance | None:
        self.requests += 1
        metadata = self.metadata.get(key, {})
        if key not in self.objects or MADE_BY not in metadata:
            return None
        return Provenance(
            job_id=metadata[MADE_BY],
            version=metadata.get("cutout-source-version", ""),
            order=metadata.get("cutout-source-order", ""),
        )


@dataclass
class MemoryUploadQueue:
    """The enqueued uploads; the queue empties by so many each time that it is read."""

    queued: list[tuple[Source, Lane]] = field(default_factory=list)
    full: list[int] = field(default_factory=list)
    looks: int = 0

    def queue(self, sources: Sequence[Source], lane: Lane) -> None:
        self.queued += [(source, lane) for source in sources]

    def length(self) -> int:
        self.looks += 1
        return self.full.pop(0) if self.full else 0


@dataclass
class MemoryTransfers:
    """Copies between two buckets; refused objects have S3's reason by their key."""

    source: MemoryObjects
    target: MemoryObjects
    refused: dict[str, str] = field(default_factory=dict)

    def copy(self, listed: ListedObject, key: str, marks: Mapping[str, str]) -> bool | None:
        if why := self.refused.get(listed.key):
            raise ObjectRefusedError(why)
        metadata = self.source.metadata.get(listed.key, {})
        if MADE_BY in metadata:
            return None
        if key in self.target.objects or self.source.objects.get(listed.key) != listed:
            return False
        self.target.objects[key] = replace(listed, key=key, version_id="copy")
        self.target.metadata[key] = {**metadata, **marks}
        return True
