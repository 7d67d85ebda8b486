"""Writing files with their labels to the results bucket, never over a newer upload's result.

The labels are copied from the source: metadata, tags and headers, with the provenance.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.domain.object_keys import MADE_BY, SOURCE_ORDER, SOURCE_VERSION, STATE_TAG
from cutout.ports.buckets import Labels, Results, StoredResult, Uploads
from cutout.ports.telemetry import Telemetry

_PUT_TRIES = 4
_OURS = "cutout-"
"""The prefix of our own metadata: provenance, and instructions for processing a photo."""
_RESERVED = "aws:"
"""The prefix of AWS's own tags, which cannot be written."""


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Writes to the results bucket.

    Attributes:
        model: the provider's model, which each result names.
    """

    uploads: Uploads
    results: Results
    telemetry: Telemetry
    model: str

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

    def labels(self, job: Job) -> tuple[Labels, bool]:
        """The source's own labels and the cut-out's provenance.

        Also whether the source is certain to be the newest upload of its key.

        Labels that do not fit, or that no header can contain, are logged and named in `left_out`.

        Raises:
            SourceGoneError: the source no longer exists.
        """
        newest = self.uploads.labels_if_newest(job.source)
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

    def provenance_alone(self, job: Job) -> Labels:
        """The cut-out's provenance alone; the source's own labels are not read."""
        theirs = Labels(metadata={}, tags={}, left_out=("all of the photo's",))
        return self.results.fitted(theirs, self._provenance(job))

    def _provenance(self, job: Job) -> dict[str, str]:
        return {
            MADE_BY: job.id,
            SOURCE_VERSION: job.source.version_id or job.source.etag,
            SOURCE_ORDER: job.source.order,
            "cutout-model": self.model,
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
