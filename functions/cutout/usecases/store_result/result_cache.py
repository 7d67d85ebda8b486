"""Caching accepted results, so that the same photo is not paid for again."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import TransientError
from cutout.domain.job.attempt import charged
from cutout.domain.job.job import Job
from cutout.domain.job.result import Kept, Reuse
from cutout.domain.object_keys import kept_key
from cutout.domain.states import Pixels
from cutout.ports.buckets import Folders, KeptResults
from cutout.ports.pictures import Pictures
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.store_result.finish_cutout import FetchedResult
from cutout.usecases.store_result.publish_with_metadata import sha256, task_of

_PUT_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class ResultCache:
    """The cached results, consistent with the deduplication records."""

    results: KeptResults
    deduplication: Deduplication
    model: str
    folders: Folders

    def keep(self, fetched: FetchedResult) -> None:
        """Cache an accepted result as it came, unless a newer call processes the same photo.

        Raises:
            TransientError: other writers changed the object each time.
        """
        # The object is written before its record. Usually there is none; an existing one is only
        # replaced if the record, which was read after the object, does not say that it counts.
        job = fetched.job
        attempt = job.attempt_numbered(job.storing_attempt)
        key = kept_key(fetched.photo.sha256, self.model)
        kept = Kept(
            key=key,
            sha256=sha256(fetched.file),
            job_id=job.id,
            task_id=task_of(job),
            credits=charged(attempt) if attempt else Decimal(0),
            is_of_copy=job.prepared is not None,
            is_accepted=fetched.is_accepted,
        )
        current: str | None = None
        for _ in range(_PUT_TRIES):
            if self.results.put(key, fetched.file, replacing=current):
                self.deduplication.cache(job, kept)
                return
            # In this order: a result that is stored after this look is not replaced.
            current = self.results.current(key)
            if not self.deduplication.may_cache(job, kept):
                return
        raise TransientError("other writers change the cached result too often")

    def accept(self, fetched: FetchedResult) -> None:
        """Let later jobs use a result that a person accepted; raises as `keep` does."""
        job = fetched.job
        if self.deduplication.decided(job, task_of(job), is_accepted=True):
            return
        # Finishing would apply the photo's own pixels twice. A reused result is its maker's.
        if fetched.pixels is Pixels.MODEL and job.reused is None:
            self.keep(fetched)

    def fetch(self, kept: Kept | Reuse, file: Path) -> bool:
        """Fetch a cached result; False if it is gone, or other bytes than were cached."""
        return self.results.fetch(kept.key, file) and sha256(file) == kept.sha256

    def fetch_again(self, job: Job, file: Path, pictures: Pictures) -> FetchedResult | None:
        """The provider's result that a job's cut-out was made from; None if it is not cached."""
        its_own = job.reused or self.deduplication.kept_result_of(job)
        if its_own is None or not self.fetch(its_own, file):
            return None
        return FetchedResult(job=job, file=file, picture=pictures.examine(file))

    def remove(self, job: Job) -> None:
        """Remove the result that this job cached; another job's result of the same photo stays.

        The deduplication record keeps naming it: the next job finds it gone and makes a paid call.

        Raises:
            TransientError: other writers changed the object each time.
        """
        # A newer result may be stored before its record names it, so the bytes are compared.
        with self.folders() as folder:
            for _ in range(_PUT_TRIES):
                kept = self.deduplication.kept_result_of(job)
                if kept is None:
                    return
                current = self.results.current(kept.key)
                if current is None or not self.fetch(kept, Path(folder) / "kept"):
                    return
                if self.results.remove(kept.key, current):
                    return
        raise TransientError("other writers change the cached result too often")
