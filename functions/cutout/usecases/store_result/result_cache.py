"""Keeping accepted results, so that the same picture need not be bought again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from cutout.domain.errors import TransientError
from cutout.domain.job.attempt import charged
from cutout.domain.job.dedup_record import Kept
from cutout.domain.job.job import Job
from cutout.domain.job.result import Reuse
from cutout.domain.object_keys import kept_key
from cutout.ports.buckets import KeptResults
from cutout.usecases.shared import temp_folder
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.store_result.fetched_result import FetchedResult
from cutout.usecases.store_result.publish import sha256

_PUT_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class ResultCache:
    """The kept results, in step with the pictures' items."""

    results: KeptResults
    deduplication: Deduplication
    model: str

    def keep(self, fetched: FetchedResult) -> None:
        """Keep an accepted result as it came, unless the picture was bought anew meanwhile.

        The object is written first, over what was seen before the item was read: a result that
        somebody bought later is never replaced by an older one.

        Raises:
            TransientError: others write there so often that no condition held.
        """
        job = fetched.job
        key = kept_key(fetched.photo.sha256, self.model)
        current: str | None = None
        for _ in range(_PUT_TRIES):
            held = self.deduplication.record_for_result(job)
            if held is None:
                return
            if self.results.put(key, fetched.file, replacing=current):
                kept = Kept(
                    key=key,
                    sha256=sha256(fetched.file),
                    job_id=job.id,
                    task_id=fetched.task.id,
                    credits=_paid(job),
                    is_of_copy=job.prepared is not None,
                )
                self.deduplication.keep(held, kept)
                return
            current = self.results.current(key)
        raise TransientError("the place of the kept result is written too often")

    def fetch(self, job: Job, file: Path) -> bool:
        """Bring back what a job is to be completed from; False if it is not what was kept."""
        return job.reused is not None and self._is_fetched(job.reused, file)

    def fetch_again(self, job: Job, file: Path) -> bool:
        """Bring back the very result that a completed job's cut-out was made of, if it is kept."""
        its_own = job.reused or self.deduplication.kept_result_of(job)
        return its_own is not None and self._is_fetched(its_own, file)

    def remove(self, job: Job) -> None:
        """Remove what is kept of a job's own purchase; another job's, of the same picture, stays.

        The picture's item goes on to name it: whoever wants it next finds it gone, and buys. A
        result that was bought anew may stand there before its item says so: its bytes tell.

        Raises:
            TransientError: others write there so often that no condition held.
        """
        with temp_folder.folder() as folder:
            for _ in range(_PUT_TRIES):
                kept = self.deduplication.kept_result_of(job)
                current = self.results.current(kept.key) if kept is not None else None
                if kept is None or current is None:
                    return
                if not self._is_fetched(kept, Path(folder) / "kept"):
                    return
                if self.results.remove(kept.key, current):
                    return
        raise TransientError("the place of the kept result is written too often")

    def _is_fetched(self, kept: Kept | Reuse, file: Path) -> bool:
        return self.results.fetch(kept.key, file) and sha256(file) == kept.sha256


def _paid(job: Job) -> Decimal:
    attempt = job.attempt_numbered(job.storing_attempt)
    return charged(attempt) if attempt else Decimal(0)
