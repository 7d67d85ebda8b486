"""Caching accepted results, so that the same photo is not paid for again."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import CopyGoneError
from cutout.domain.job.attempt import charged
from cutout.domain.job.job import Job
from cutout.domain.job.result import Kept, Reuse
from cutout.domain.object_keys import kept_key
from cutout.domain.states import Pixels
from cutout.ports.buckets import Copies
from cutout.ports.pictures import Pictures
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.store_result.finish_cutout import FetchedResult
from cutout.usecases.store_result.publish_with_metadata import sha256, task_of


@dataclass(frozen=True, kw_only=True)
class ResultCache:
    """The cached results, consistent with the deduplication records."""

    copies: Copies
    deduplication: Deduplication

    def keep(self, fetched: FetchedResult) -> None:
        """Cache an accepted result as it came; a usable one that the record names stays there."""
        # Each attempt has a key of its own, so that a record never names another attempt's bytes.
        job, number = fetched.job, fetched.job.storing_attempt or 0
        attempt = job.attempt_numbered(number)
        kept = Kept(
            key=kept_key(job.id, number),
            sha256=sha256(fetched.file),
            job_id=job.id,
            task_id=task_of(job),
            credits=charged(attempt) if attempt else Decimal(0),
            is_of_copy=job.prepared is not None,
            is_accepted=fetched.is_accepted,
        )
        self.copies.put(kept.key, fetched.file, content_type="image/png")
        self.deduplication.cache(job, kept)

    def accept(self, fetched: FetchedResult) -> None:
        """Let later jobs use a result that a person accepted."""
        job = fetched.job
        if self.deduplication.decided(job, task_of(job), is_accepted=True):
            return
        # Finishing would apply the photo's own pixels twice. A reused result is its maker's.
        if fetched.pixels is Pixels.MODEL and job.reused is None:
            self.keep(fetched)

    def reject(self, job: Job) -> None:
        """Keep later jobs from using the result that a person rejected."""
        self.deduplication.decided(job, task_of(job), is_accepted=False)

    def forget_lost(self, job: Job) -> None:
        """Keep later jobs from using the result that this job found missing or damaged."""
        self.deduplication.forget_lost(job)

    def fetch(self, kept: Kept | Reuse, file: Path) -> bool:
        """Fetch a cached result; False if it is gone, or other bytes than were cached."""
        try:
            self.copies.fetch(kept.key, file)
        except CopyGoneError:
            return False
        return sha256(file) == kept.sha256

    def fetch_again(self, job: Job, file: Path, pictures: Pictures) -> FetchedResult | None:
        """The provider's result that a job's cut-out was made from; None if it is not cached."""
        its_own = job.reused or self.deduplication.kept_result_of(job)
        if its_own is None or not self.fetch(its_own, file):
            return None
        return FetchedResult(job=job, file=file, picture=pictures.examine(file))

    def remove(self, job: Job) -> None:
        """Remove the results that this job cached; another job's result of the same photo stays.

        The deduplication record keeps naming it: the next job finds it gone and makes a paid call.
        """
        keys = {kept_key(job.id, attempt.number) for attempt in job.attempts}
        # Earlier versions had one key for each photo, which only the record tells.
        kept = self.deduplication.kept_result_of(job)
        for key in sorted(keys | ({kept.key} if kept else set())):
            self.copies.remove(key)
