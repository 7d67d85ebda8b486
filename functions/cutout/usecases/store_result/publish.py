"""Writing files with their labels to the results bucket, never over a newer upload's result.

The labels are copied from the source: metadata, tags and headers, with the provenance.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from urllib.parse import urlencode

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.domain.object_keys import MADE_BY, MAX_TAGS, SOURCE_ORDER, SOURCE_VERSION, STATE_TAG
from cutout.domain.text.encoded_words import encoded, is_plain
from cutout.ports.buckets import Handling, Labels, Results, StoredResult, Uploads
from cutout.ports.telemetry import Telemetry

_PUT_TRIES = 4


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Writes to the results bucket."""

    results: Results

    def publish(
        self,
        job: Job,
        key: str,
        file: Path,
        *,
        content_type: str,
        labels: Labels,
    ) -> bool:
        """Store the file; False if the key has the result of a newer upload.

        Raises:
            TransientError: other writers changed the object each time.
        """
        # Usually there is no object yet, so none is looked for before the first try.
        current: StoredResult | None = None
        for _ in range(_PUT_TRIES):
            if self.results.put(
                key,
                file,
                content_type=content_type,
                labels=labels,
                replacing=current,
            ):
                return True
            current = self.results.current(key)
            if current is not None and _is_newer(current, job):
                return False
        raise TransientError("other writers change the result too often")


def sha256(file: Path) -> str:
    """The SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def task_of(job: Job) -> str:
    """The id of the task that made the result that is being stored."""
    if job.reused is not None:
        return job.reused.task_id
    attempt = job.attempt_numbered(job.storing_attempt)
    return (attempt.task_id if attempt else None) or ""


def _is_newer(current: StoredResult, job: Job) -> bool:
    return current.order is not None and current.order > job.source.order


MAX_METADATA_BYTES = 2048
"""S3's limit for user metadata, names and values together, each in UTF-8.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""
MAX_LABEL_BYTES = 4608
"""Of S3's limit of 8 KB for all headers of a request. The signature, the session token and the
conditions need the rest. Text that is not ASCII becomes up to three times as long in a header.
"""
_OURS = "cutout-"
"""The prefix of our own metadata: provenance, and instructions for processing a photo."""
_RESERVED = "aws:"
"""The prefix of AWS's own tags, which cannot be written."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METADATA_PREFIX = "x-amz-meta-"
_SEPARATORS = len(": \r\n")
_TIME_BYTES = len("Thu, 01 Jan 2026 00:00:00 GMT")


@dataclass(frozen=True, kw_only=True)
class ObjectMetadata:
    """Collects the labels of results."""

    uploads: Uploads
    telemetry: Telemetry
    model: str

    def labels(self, job: Job) -> Labels:
        """The source's own labels and the cut-out's provenance.

        Labels that do not fit, or that no header can contain, are logged and named in `left_out`.

        Raises:
            SourceGoneError: the source no longer exists.
        """
        own = self.uploads.labels(job.source)
        theirs = {
            name: text for name, text in own.metadata.items() if not name.lower().startswith(_OURS)
        }
        tags = {
            name: text
            for name, text in own.tags.items()
            if name != STATE_TAG and not name.lower().startswith(_RESERVED)
        }
        labels = fitted(replace(own, metadata=theirs, tags=tags), self._provenance(job))
        for kind, names in groupby(labels.left_out, lambda one: one.partition(" ")[0]):
            left_out = [name.partition(" ")[2] for name in names]
            self.telemetry.log("labels left out", kind=kind, names=left_out)
        return labels

    def provenance_alone(self, job: Job) -> Labels:
        """The cut-out's provenance alone; the source's own labels are not read."""
        theirs = Labels(metadata={}, tags={}, left_out=("all of the photo's",))
        return fitted(theirs, self._provenance(job))

    def _provenance(self, job: Job) -> dict[str, str]:
        return {
            MADE_BY: job.id,
            SOURCE_VERSION: job.source.version_id or job.source.etag,
            SOURCE_ORDER: job.source.order,
            "cutout-model": self.model,
            "cutout-task": task_of(job),
        }


def fitted(labels: Labels, provenance: Mapping[str, str]) -> Labels:
    """The labels that fit into one request beside the provenance.

    Headers for browsers come first, then metadata and tags by name. Each is written completely
    or not at all.
    """
    room = _Room()
    for name, text in provenance.items():
        room.takes_metadata(name, text)
    set_headers = {
        field.name: value
        for field in fields(Handling)
        if (value := getattr(labels.handling, field.name)) is not None
    }
    headers = {name: value for name, value in set_headers.items() if room.takes_header(name, value)}
    metadata = {
        name: text
        for name, text in sorted(labels.metadata.items())
        if room.takes_metadata(name, text)
    }
    tags = {name: text for name, text in sorted(labels.tags.items()) if room.takes_tag(name, text)}
    return Labels(
        metadata={**provenance, **metadata},
        tags=tags,
        handling=Handling(**headers),
        left_out=(
            *labels.left_out,
            *(f"metadata {name}" for name in sorted(labels.metadata) if name not in metadata),
            *(f"tag {name}" for name in sorted(labels.tags) if name not in tags),
            *(f"header {name}" for name in set_headers if name not in headers),
        ),
    )


class _Room:
    """The bytes that are left for labels in one request."""

    def __init__(self) -> None:
        self._metadata = MAX_METADATA_BYTES
        self._headers = MAX_LABEL_BYTES
        self._tags = 0

    def takes_metadata(self, name: str, text: str) -> bool:
        """Add one metadata entry; False if it does not fit or no header can contain it."""
        if not _HEADER_NAME.fullmatch(name) or not _is_text(text):
            return False
        weight = len(name) + len(text.encode())
        # The signature's header repeats the name of each header that it signs.
        names = 2 * (len(_METADATA_PREFIX) + len(name)) + 1
        header = names + len(encoded(text)) + _SEPARATORS
        if weight > self._metadata or not self._takes(header):
            return False
        self._metadata -= weight
        return True

    def takes_tag(self, name: str, text: str) -> bool:
        """Add one tag; False if it does not fit. One header contains all tags, as a query."""
        is_possible = self._tags < MAX_TAGS and _is_text(name + text)
        is_added = is_possible and self._takes(len(urlencode({name: text})) + 1)
        self._tags += is_added
        return is_added

    def takes_header(self, name: str, value: str | datetime) -> bool:
        """Add one header for browsers; False if it does not fit or is not plain."""
        text = value if isinstance(value, str) else ""
        size = len(name) + _SEPARATORS + (len(text) or _TIME_BYTES)
        return is_plain(text) and self._takes(size)

    def _takes(self, size: int) -> bool:
        if size > self._headers:
            return False
        self._headers -= size
        return True


def _is_text(text: str) -> bool:
    """Whether UTF-8 can encode it: it has no lone surrogates."""
    return text == text.encode(errors="replace").decode()
