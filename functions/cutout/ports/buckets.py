"""The buckets that photos land in, that cut-outs go to, and that work is kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cutout.domain.job.source import Source


class KeptResults(Protocol):
    """The folder of the work bucket that holds accepted results as they came."""

    def current(self, key: str) -> str | None:
        """The entity tag of what is there now."""
        ...

    def put(self, key: str, file: Path, *, replacing: str | None) -> bool:
        """Keep the file if what stands there is still `replacing`; False if it is not."""
        ...

    def fetch(self, key: str, file: Path) -> bool:
        """Write what is kept into the file; False if there is nothing."""
        ...

    def remove(self, key: str, current: str) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """An uploaded object's bytes and what its owner wrote beside them."""

    data: bytes
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Handling:
    """What an object's headers tell browsers and caches; None where it says nothing."""

    cache_control: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    expires: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """What an object carries besides its bytes.

    Attributes:
        metadata: the owner's names, lower case as S3 keeps them, and values, as text.
        left_out: what cannot be carried over: `metadata`, `tag` or `header`, and its name.
    """

    metadata: Mapping[str, str]
    tags: Mapping[str, str]
    handling: Handling = Handling()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedUpload:
    """What an upload that went into a file had beside its bytes, and their hash."""

    metadata: Mapping[str, str]
    sha256: str


class Uploads(Protocol):
    """The bucket that photos land in."""

    def read(self, source: Source) -> Upload:
        """The bytes of this version.

        Raises:
            NotAPhotoError: it is archived or encrypted, so that nobody gets it as it is.
            SourceDeniedError: a policy or a KMS key is in the way.
            SourceGoneError: it is no longer there.
        """
        ...

    def fetch(self, source: Source, file: Path) -> FetchedUpload:
        """Stream this version into a file, however large it is.

        Raises:
            NotAPhotoError: it is archived or encrypted, so that nobody gets it as it is.
            SourceDeniedError: a policy or a KMS key is in the way.
            SourceGoneError: it is no longer there.
        """
        ...

    def labels(self, source: Source) -> Labels:
        """User metadata, tags and handling of this version.

        Raises:
            SourceDeniedError: a policy or a KMS key is in the way.
            SourceGoneError: it is no longer there.
        """
        ...


class SourceTags(Protocol):
    """The tags of uploads."""

    def tag(self, source: Source, name: str, value: str) -> bool:
        """Set one tag of this version and leave the others; False if it has too many already.

        Raises:
            SourceGoneError: it is no longer there.
        """
        ...


class PhotoLinks(Protocol):
    """Links by which the provider can read one upload, and nothing else."""

    def link(self, source: Source, content_type: str) -> str:
        """A URL of an upload with a version, certain to work for `PHOTO_LINK_LIFE`.

        The answer has this Content-Type, whatever the uploader gave the object.
        """
        ...

    def copy_link(self, key: str, content_type: str) -> str:
        """The same for a copy in the work bucket."""
        ...


class Copies(Protocol):
    """The copies of photos that were prepared."""

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        """Store a copy; one that stands there is the same photo's, and is replaced."""
        ...

    def read(self, key: str) -> bytes:
        """The bytes of a copy.

        Raises:
            CopyGoneError: it is no longer there.
        """
        ...

    def fetch(self, key: str, file: Path) -> None:
        """Stream a copy into a file, however large it is.

        Raises:
            CopyGoneError: it is no longer there.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResult:
    """What stands at a result key: its entity tag and its source's order, if we wrote it."""

    etag: str
    order: str | None
    job_id: str | None
    source_version: str | None = None


class Results(Protocol):
    """The bucket that cut-outs go to."""

    def current(self, key: str) -> StoredResult | None:
        """What is there now."""
        ...

    def put(
        self,
        key: str,
        file: Path,
        *,
        content_type: str,
        labels: Labels,
        replacing: StoredResult | None,
    ) -> bool:
        """Store the file if what stands there is still `replacing`; False if it is not."""
        ...

    def fetch(self, key: str, file: Path) -> Labels | None:
        """Write what stands there into the file; returns its labels, or None if nothing stands."""
        ...

    def remove(self, key: str, current: StoredResult) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class NoteRevision:
    """What a note is about; the later one compares as the greater.

    Times do not compare: workers' clocks may differ by more than lies between two notes.

    Attributes:
        order: the padded sequencer of the upload or deletion.
        version: how often the row of the upload's job was written until it was as the note says;
            0 for the event itself, before any note about it.
        at: when that was, by the clock of the worker that wrote the row.
    """

    order: str
    version: int
    at: datetime = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrentNote:
    """What stands at a note's key: its entity tag, and its occasion, if it is a note of ours."""

    etag: str
    occasion: NoteRevision | None
    job_id: str | None


class Notes(Protocol):
    """Small texts in the results bucket that say why there is no cut-out."""

    def current(self, key: str) -> CurrentNote | None:
        """What is there now."""
        ...

    def write(
        self,
        key: str,
        text: str,
        *,
        job_id: str,
        occasion: NoteRevision,
        replacing: CurrentNote | None,
    ) -> bool:
        """Write JSON if what stands there is still `replacing`; False if it is not."""
        ...

    def remove(self, key: str, current: CurrentNote) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        ...


class UploadsBucket(Uploads, SourceTags, Protocol):
    """The uploads bucket with the tags of its objects."""
