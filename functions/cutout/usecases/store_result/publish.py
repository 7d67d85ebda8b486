"""Writing files to the results bucket, never over the result of a newer upload."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.ports.buckets import Labels, Results, StoredResult

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


def _is_newer(current: StoredResult, job: Job) -> bool:
    return current.order is not None and current.order > job.source.order
