from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cutout.adapters.s3.object_metadata import fitted
from cutout.domain.errors import CopyGoneError, NotAPhotoError, SourceGoneError
from cutout.domain.job.source import Source
from cutout.domain.reasons import Reason
from cutout.ports.buckets import (
    FetchedUpload,
    Labels,
    NoteRevision,
    StoredResult,
    Upload,
)
from tests.support.fakes.steps import Step, no_step


@dataclass(frozen=True, kw_only=True)
class StoredUpload:
    data: bytes
    labels: Labels


class MemoryUploads:
    """A bucket, with or without versioning. Sequencers grow with every event, as S3 orders them.

    Attributes:
        versions: by key and version, which is empty in a bucket without versions.
        errors: what reading the bytes of a key raises.
    """

    def __init__(
        self, step: Step = no_step, bucket: str = "uploads", *, is_versioned: bool = True
    ) -> None:
        self._step = step
        self.bucket = bucket
        self.is_versioned = is_versioned
        self.versions: dict[tuple[str, str], StoredUpload] = {}
        self.archived: set[str] = set()
        self.errors: dict[str, Exception] = {}
        self._events = 0
        self._history: defaultdict[str, list[str | None]] = defaultdict(list)

    def add(self, key: str, data: bytes, labels: Labels | None = None) -> Source:
        """Upload, and return what the event says."""
        self._events += 1
        source = self._source(key, data)
        stored = StoredUpload(data=data, labels=labels or Labels(metadata={}, tags={}))
        self.versions[key, source.version_id or ""] = stored
        self._history[key].append(source.version_id or source.etag)
        return source

    def remove(self, key: str) -> Source:
        """Delete the key, by a marker with versioning, and return what the event says."""
        self._events += 1
        self.versions.pop((key, ""), None)
        self._history[key].append(None)
        return self._source(key, b"")

    def restore(self, key: str) -> None:
        """Delete the delete marker that `remove` has left: the version below is back."""
        assert self._history[key].pop() is None, "the key is not deleted"

    def destroy(self, source: Source) -> None:
        """Delete a version permanently."""
        self.versions.pop((source.key, source.version_id or ""), None)
        version = source.version_id or source.etag
        self._history[source.key] = [it for it in self._history[source.key] if it != version]

    def version_shown(self, bucket: str, key: str) -> str | None:
        self._step("uploads.version_shown")
        assert bucket == self.bucket
        history = self._history[key]
        return history[-1] if history and (key, history[-1]) in self.versions else None

    def is_current(self, source: Source) -> bool:
        """Make the version before a permanently deleted one the current one, as S3 does."""
        self._step("uploads.is_current")
        return self._is_current(source)

    def _is_current(self, source: Source) -> bool:
        history = self._history[source.key]
        return bool(history) and history[-1] == (source.version_id or source.etag)

    def read(self, source: Source) -> Upload:
        self._step("uploads.read")
        stored = self._get(source)
        return Upload(data=stored.data, metadata=stored.labels.metadata)

    def fetch(self, source: Source, file: Path) -> FetchedUpload:
        self._step("uploads.fetch")
        stored = self._get(source)
        file.write_bytes(stored.data)
        return FetchedUpload(
            metadata=stored.labels.metadata,
            sha256=hashlib.sha256(stored.data).hexdigest(),
        )

    def labels(self, source: Source) -> Labels:
        self._step("uploads.labels")
        return self._find(source).labels

    def labels_if_newest(self, source: Source) -> Labels | None:
        self._step("uploads.labels_if_newest")
        if source.version_id is None or not self._is_current(source):
            return None
        return self._find(source).labels

    def tag(self, source: Source, name: str, value: str) -> bool:
        self._step("uploads.tag")
        stored = self._find(source)
        tags = {key: text for key, text in stored.labels.tags.items() if key != name}
        if len(tags) >= 10:
            return False
        labels = replace(stored.labels, tags=tags | {name: value})
        self.versions[source.key, source.version_id or ""] = replace(stored, labels=labels)
        return True

    def _get(self, source: Source) -> StoredUpload:
        if source.key in self.errors:
            raise self.errors[source.key]
        if source.key in self.archived:
            raise NotAPhotoError(Reason.UNREADABLE, "it is archived")
        return self._find(source)

    def _find(self, source: Source) -> StoredUpload:
        stored = self.versions.get((source.key, source.version_id or ""))
        if stored is None:
            raise SourceGoneError("NoSuchVersion")
        if source.version_id is None and source.etag != _etag(stored.data):
            raise SourceGoneError("PreconditionFailed")
        return stored

    def _source(self, key: str, data: bytes) -> Source:
        return Source(
            bucket=self.bucket,
            key=key,
            version_id=f"v{self._events}" if self.is_versioned else None,
            etag=_etag(data),
            sequencer=f"{self._events:018X}",
            size=len(data),
        )


@dataclass
class MemoryCopies:
    """A folder of the work bucket.

    Attributes:
        name: of the folder, in the names of its steps.
        writes: how many objects were written.
    """

    step: Step = no_step
    name: str = "copies"
    objects: dict[str, bytes] = field(default_factory=dict)
    writes: int = 0

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        self.step(f"{self.name}.put")
        assert content_type.startswith("image/")
        self.writes += 1
        self.objects[key] = file.read_bytes()
        self.step(f"{self.name}.put done")

    def read(self, key: str) -> bytes:
        self.step(f"{self.name}.read")
        if key not in self.objects:
            raise CopyGoneError(f"the copy {key} is gone")
        return self.objects[key]

    def fetch(self, key: str, file: Path) -> None:
        file.write_bytes(self.read(key))

    def remove(self, key: str) -> None:
        self.step(f"{self.name}.remove")
        self.lose(key)
        self.step(f"{self.name}.remove done")

    def lose(self, key: str) -> None:
        """Delete an object, as a lifecycle or a person does."""
        self.objects.pop(key, None)


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    data: bytes
    content_type: str
    labels: Labels
    etag: str


@dataclass
class MemoryResults:
    """A bucket with conditional writes."""

    step: Step = no_step
    bucket: str = "results"
    objects: dict[str, StoredObject] = field(default_factory=dict)
    puts: list[tuple[str, StoredObject]] = field(default_factory=list)

    def fitted(self, labels: Labels, provenance: Mapping[str, str]) -> Labels:
        return fitted(labels, provenance)

    def current(self, key: str) -> StoredResult | None:
        self.step("results.current")
        stored = self.objects.get(key)
        if stored is None:
            return None
        metadata = stored.labels.metadata
        return StoredResult(
            etag=stored.etag,
            order=metadata.get("cutout-source-order"),
            job_id=metadata.get("cutout-job"),
            source_version=metadata.get("cutout-source-version"),
        )

    def remove(self, key: str, current: StoredResult) -> bool:
        self.step("results.remove")
        stored = self.objects.get(key)
        if stored is None or stored.etag != current.etag:
            return False
        del self.objects[key]
        self.step("results.remove done")
        return True

    def put(
        self,
        key: str,
        file: Path,
        *,
        content_type: str,
        labels: Labels,
        replacing: StoredResult | None,
    ) -> bool:
        self.step("results.put")
        current = self.objects.get(key)
        if (current.etag if current else None) != (replacing.etag if replacing else None):
            return False
        data = file.read_bytes()
        stored = StoredObject(
            data=data,
            content_type=content_type,
            labels=labels,
            etag=_etag(data),
        )
        self.objects[key] = stored
        self.puts.append((key, stored))
        self.step("results.put done")
        return True

    def fetch(self, key: str, file: Path) -> Labels | None:
        self.step("results.fetch")
        stored = self.objects.get(key)
        if stored is None:
            return None
        file.write_bytes(stored.data)
        return stored.labels

    def download(self, key: str, file: Path) -> bool:
        return self.fetch(key, file) is not None


@dataclass(frozen=True, kw_only=True)
class StoredNote:
    text: str
    note: StoredResult


@dataclass
class MemoryNotes:
    """Notes by key, and all writes of them."""

    step: Step = no_step
    stored: dict[str, StoredNote] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def current(self, key: str) -> StoredResult | None:
        self.step("notes.current")
        stored = self.stored.get(key)
        return None if stored is None else stored.note

    def write(
        self,
        key: str,
        text: str,
        *,
        job_id: str,
        occasion: NoteRevision,
        replacing: StoredResult | None,
    ) -> bool:
        self.step("notes.write")
        if not self._is_still(key, replacing):
            return False
        etag = f'"{len(self.written)}"'
        note = StoredResult(etag=etag, occasion=occasion, job_id=job_id)
        self.stored[key] = StoredNote(text=text, note=note)
        self.written.append(key)
        self.step("notes.write done")
        return True

    def remove(self, key: str, current: StoredResult) -> bool:
        self.step("notes.remove")
        if not self._is_still(key, current):
            return False
        del self.stored[key]
        self.removed.append(key)
        self.step("notes.remove done")
        return True

    def _is_still(self, key: str, seen: StoredResult | None) -> bool:
        stored = self.stored.get(key)
        return (stored.note.etag if stored else None) == (seen.etag if seen else None)


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
