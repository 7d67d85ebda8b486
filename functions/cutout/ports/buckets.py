"""The buckets: uploads, results, and the work bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cutout.domain.dataclass import dataclass
from cutout.domain.job.source import Source

Folders = Callable[[], AbstractContextManager[str]]
"""Makes a temporary folder for the files of one message, which is removed at the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """An uploaded object's bytes and metadata."""

    data: bytes
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Handling:
    """An object's headers for browsers and caches; None for those it does not have."""

    cache_control: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    expires: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """An object's metadata, tags and headers.

    Attributes:
        metadata: user metadata; S3 stores its names in lower case.
        left_out: labels that cannot be copied: `metadata`, `tag` or `header`, and the name.
    """

    metadata: Mapping[str, str]
    tags: Mapping[str, str]
    handling: Handling = Handling()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedUpload:
    """The metadata and the hash of an upload that was written into a file."""

    metadata: Mapping[str, str]
    sha256: str


class Uploads(Protocol):
    """The photos in the uploads bucket."""

    def read(self, source: Source) -> Upload:
        """The bytes of this version.

        Raises:
            NotAPhotoError: it is archived, or encrypted with a key of the customer.
            SourceDeniedError: a policy or a KMS key denies access.
            SourceGoneError: it no longer exists.
        """

    def fetch(self, source: Source, file: Path) -> FetchedUpload:
        """Stream this version into a file of any size.

        Raises:
            NotAPhotoError: it is archived, or encrypted with a key of the customer.
            SourceDeniedError: a policy or a KMS key denies access.
            SourceGoneError: it no longer exists.
        """

    def labels(self, source: Source) -> Labels:
        """User metadata, tags and handling of this version.

        Raises:
            SourceDeniedError: a policy or a KMS key denies access.
            SourceGoneError: it no longer exists.
        """

    def labels_if_newest(self, source: Source) -> Labels | None:
        """The labels of this version if a read of its key gives it: it is the newest upload.

        None if the key shows another version or none, and in a bucket without versions, where the
        same bytes may have been uploaded again. An error of the read proves neither.

        Raises:
            SourceDeniedError: a policy or a KMS key denies access to what the key shows.
        """

    def tag(self, source: Source, name: str, value: str) -> bool:
        """Set one tag of this version and keep the others; False if it has the most tags already.

        Raises:
            SourceGoneError: it no longer exists.
        """


class CurrentVersions(Protocol):
    """Which version each key of the uploads bucket shows."""

    def version_shown(self, bucket: str, key: str) -> str | None:
        """The id of the version that a read of the key gives; None if it gives none.

        Raises:
            SourceDeniedError: what the key shows needs a permission, or a key of its owner's.
        """

    def is_current(self, source: Source) -> bool:
        """Whether this version is the current one of its key: a read of the key gives it."""


class UploadsBucket(Uploads, CurrentVersions, Protocol):
    """The uploads bucket, and which versions it shows."""


class PhotoLinks(Protocol):
    """Presigned links with which the provider can read one photo."""

    def link(self, source: Source, content_type: str) -> str:
        """A URL of an upload with a version, certain to work for `PHOTO_LINK_LIFE`.

        The answer has this Content-Type, whatever the uploader gave the object.
        """

    def copy_link(self, key: str, content_type: str) -> str:
        """The same for a copy in the work bucket."""


class Copies(Protocol):
    """The work bucket: prepared copies of photos, and cached results."""

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        """Store a copy; an existing one is of the same photo, and is replaced."""

    def read(self, key: str) -> bytes:
        """The bytes of a copy.

        Raises:
            CopyGoneError: it no longer exists.
        """

    def fetch(self, key: str, file: Path) -> None:
        """Stream a copy into a file of any size.

        Raises:
            CopyGoneError: it no longer exists.
        """

    def remove(self, key: str) -> None:
        """Remove a copy, if it exists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteRevision:
    """The revision of a note; a newer one compares as greater.

    Times are not compared: workers' clocks may differ by more than the time between two notes.

    Attributes:
        order: the padded sequencer of the upload or deletion.
        version: the version of the job that the note describes; 0 for an upload or deletion,
            before any note about it.
        at: when the job was written, by the worker's clock.
    """

    order: str
    version: int
    at: datetime = field(compare=False)

    def __lt__(self, other: NoteRevision) -> bool:
        return (self.order, self.version) < (other.order, other.version)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResult:
    """The object at a key of the results bucket.

    Attributes:
        etag: its entity tag.
        job_id: the job that made it; None if it is not ours.
        order: of its source, if it is ours.
        source_version: of a result of ours: its source's version, or entity tag without versions.
        occasion: of a note of ours: its revision.
    """

    etag: str
    job_id: str | None
    order: str | None = None
    source_version: str | None = None
    occasion: NoteRevision | None = None


class Results(Protocol):
    """The results and variants in the results bucket."""

    def current(self, key: str) -> StoredResult | None:
        """The current object; None if there is none."""

    def fitted(self, labels: Labels, provenance: Mapping[str, str]) -> Labels:
        """The labels that one `put` can write beside the provenance, and the provenance.

        Each label is written completely or not at all; `left_out` names those that are not.
        """

    def put(
        self,
        key: str,
        file: Path,
        *,
        content_type: str,
        labels: Labels,
        replacing: StoredResult | None,
    ) -> bool:
        """Store the file if the object is still `replacing`; False if it has changed."""

    def fetch(self, key: str, file: Path) -> Labels | None:
        """Write the object into the file; returns its labels, or None if there is none."""

    def remove(self, key: str, current: StoredResult) -> bool:
        """Remove the object if it is still `current`; False if it has changed."""


class ReviewedResults(Protocol):
    """The results under review, in the results bucket."""

    def download(self, key: str, file: Path) -> bool:
        """Write the object into the file, without its labels; False if there is none."""


class ResultsBucket(Results, ReviewedResults, Protocol):
    """The results bucket, but for its notes."""


class Notes(Protocol):
    """Notes in the results bucket that say why there is no cut-out."""

    def current(self, key: str) -> StoredResult | None:
        """The current object; None if there is none."""

    def write(
        self,
        key: str,
        text: str,
        *,
        job_id: str,
        occasion: NoteRevision,
        replacing: StoredResult | None,
    ) -> bool:
        """Write JSON if the object is still `replacing`; False if it has changed."""

    def remove(self, key: str, current: StoredResult) -> bool:
        """Remove the object if it is still `current`; False if it has changed."""
