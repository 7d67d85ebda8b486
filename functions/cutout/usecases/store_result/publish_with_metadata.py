"""Writing files with their labels to the results bucket, never over a newer upload's result.

The labels are copied from the source: metadata, tags and headers, with the provenance.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import SourceDeniedError, TransientError
from cutout.domain.job.job import Job
from cutout.domain.object_keys import MADE_BY, SOURCE_ORDER, SOURCE_VERSION, STATE_TAG
from cutout.domain.reasons import Reason
from cutout.ports.buckets import Labels, Results, StoredResult, Uploads
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.notes_and_tags import ShownVersions

_PUT_TRIES = 4
_OURS = "cutout-"
"""The prefix of our own metadata: provenance, and instructions for processing a photo."""
_RESERVED = "aws:"
"""The prefix of AWS's own tags, which cannot be written."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A file that was stored in the results bucket."""

    size: int
    sha256: str
    labels: Labels


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Writes to the results bucket.

    Attributes:
        model: the provider's model of today, which made the results whose attempt names none.
    """

    uploads: Uploads
    results: Results
    shown_versions: ShownVersions
    telemetry: Telemetry
    model: str

    def publish_newest(
        self, job: Job, key: str, file: Path, *, content_type: str, has_own_labels: bool
    ) -> Published | Reason:
        """Store the file with its labels, or return the reason why the job is superseded.

        The source's own labels are read and copied only if `has_own_labels`.

        Raises:
            SourceGoneError: the source no longer exists.
            TransientError: other writers changed the object each time.
        """
        if has_own_labels:
            labels, is_newest = self.labels(job)
        else:
            theirs = Labels(metadata={}, tags={}, left_out=("all of the photo's",))
            labels, is_newest = self.results.fitted(theirs, self._provenance(job)), False
        superseded = None if is_newest else self.shown_versions.why_superseded(job)
        if superseded:
            return superseded
        published = self.publish(job, key, file, content_type=content_type, labels=labels)
        return published or Reason.NEWER_UPLOAD

    def publish(
        self, job: Job, key: str, file: Path, *, content_type: str, labels: Labels
    ) -> Published | None:
        """Store the file; None if the key has the result of a newer upload that still exists.

        Raises:
            TransientError: other writers changed the object each time.
        """
        # Usually there is no object yet, so none is looked for before the first try.
        current: StoredResult | None = None
        for _ in range(_PUT_TRIES):
            if self.results.put(
                key, file, content_type=content_type, labels=labels, replacing=current
            ):
                size = file.stat().st_size
                return Published(size=size, sha256=sha256(file), labels=labels)
            current = self.results.current(key)
            # The bucket is asked after the object was read: the write then fails if a newer upload
            # got its result meanwhile.
            if (
                current
                and _is_newer(current, job)
                and not self.shown_versions.shows(job, has_newer=True)
            ):
                return None
        raise TransientError("other writers change the result too often")

    def labels(self, job: Job) -> tuple[Labels, bool]:
        """The source's own labels and the cut-out's provenance.

        Also whether the source is certain to be the newest upload of its key.

        Labels that do not fit, or that no header can contain, are logged and named in `left_out`.

        Raises:
            SourceGoneError: the source no longer exists.
        """
        try:
            newest = self.uploads.labels_if_newest(job.source)
        except SourceDeniedError:
            newest = None  # it may be a newer upload that is denied
        own = self.uploads.labels(job.source) if newest is None else newest
        theirs = {
            name: text for name, text in own.metadata.items() if not name.lower().startswith(_OURS)
        }
        tags = {
            name: text
            for name, text in own.tags.items()
            if name != STATE_TAG and not name.lower().startswith(_RESERVED)
        }
        wanted = replace(own, metadata=theirs, tags=tags)
        labels = self.results.fitted(wanted, self._provenance(job))
        for kind, names in groupby(labels.left_out, lambda one: one.partition(" ")[0]):
            left_out = [name.partition(" ")[2] for name in names]
            self.telemetry.log("labels left out", kind=kind, names=left_out)
        return labels, newest is not None

    def _provenance(self, job: Job) -> dict[str, str]:
        attempt = job.attempt_numbered(job.storing_attempt)
        return {
            MADE_BY: job.id,
            SOURCE_VERSION: job.source.version_id or job.source.etag,
            SOURCE_ORDER: job.source.order,
            "cutout-model": (attempt and attempt.model) or self.model,
            "cutout-task": task_of(job),
        }


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
