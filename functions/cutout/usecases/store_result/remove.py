"""Removing the results of a deleted source, if the deployment's settings say so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import SourceDeniedError, TransientError
from cutout.domain.job.job import Job
from cutout.domain.job.source import job_id_of
from cutout.domain.messages.queue_messages import Removal
from cutout.domain.object_keys import (
    USUAL_RESULT_KEYS,
    USUAL_REVIEW_KEYS,
    beside,
    result_keys,
    review_keys,
)
from cutout.domain.recipes import Recipe, recipes_for
from cutout.ports.buckets import CurrentVersions, Results, StoredResult
from cutout.ports.jobs_table import SourceJobs
from cutout.ports.telemetry import Telemetry
from cutout.usecases.store_result.result_cache import ResultCache

_TRIES = 3
_MOST_JOBS = 1000
"""Jobs of one key that are read. They share their result keys, unless recipes changed."""


@dataclass(frozen=True, kw_only=True)
class RemoveResults:
    """Removes cut-outs, variants and cached results, each only if it is the deleted source's.

    An object's metadata names its job. So removals are idempotent and may be late: results of
    newer uploads, and objects of others, stay.

    Attributes:
        result_cache: None in a deployment without deduplication.
        recipes: they name variants that no job lists, since it expired or its worker crashed.
    """

    jobs: SourceJobs
    current_versions: CurrentVersions
    results: Results
    telemetry: Telemetry
    results_bucket: str
    upload_prefix: str
    result_prefix: str
    result_cache: ResultCache | None
    recipes: tuple[Recipe, ...]

    def remove(self, removal: Removal) -> None:
        """Remove everything that is older than the deletion; keys without an object are skipped."""
        jobs = self.jobs.of_source(removal.bucket, removal.key, _MOST_JOBS)
        older = [job for job in jobs if job.source.order < removal.order]
        if removal.job_id is None and self._is_one_back(removal, jobs):
            self.telemetry.log("nothing removed: the deletion of the photo was undone")
            return
        known = {job.id for job in older}
        # Also keys that no job lists: a worker may have crashed between the object and the job.
        keys = dict.fromkeys([*self._recorded(jobs), *self._possible(removal)])
        removed = [key for key in keys if self._remove(key, removal, known)]
        if self.result_cache is not None:
            one = [job for job in jobs if job.id == removal.job_id]
            for job in one if removal.job_id is not None else older:
                self.result_cache.remove(job)
        self.telemetry.log("results of a deleted photo removed", count=len(removed))

    def _is_one_back(self, removal: Removal, jobs: Sequence[Job]) -> bool:
        """Whether the key shows one of the photos again that its deletion had hidden.

        Without the delete marker, no event says that a photo is back, and its job may complete.
        """
        try:
            shown = self.current_versions.version_shown(removal.bucket, removal.key)
        except SourceDeniedError:
            if any(job.source.order > removal.order for job in jobs):
                return False  # it shows a newer upload, with a policy or KMS key of its own
            raise
        hidden = (job.source for job in jobs if job.source.order < removal.order)
        return shown is not None and any(source.version_id == shown for source in hidden)

    def _recorded(self, jobs: Sequence[Job]) -> Iterator[str]:
        """The keys of results that jobs list."""
        for job in jobs:
            if job.result is not None and job.result.bucket == self.results_bucket:
                yield from (job.result.key, beside(job.result.key))
            yield from (variant.key for variant in job.variants if variant.key is not None)
            if job.result_key is not None:
                yield from self._beside(job.result_key, job.source.key)

    def _possible(self, removal: Removal) -> Iterator[str]:
        """The keys that results of the source can have: jobs expire, cut-outs do not."""
        candidates = result_keys(
            removal.key, upload_prefix=self.upload_prefix, result_prefix=self.result_prefix
        )
        for key in islice(candidates, USUAL_RESULT_KEYS):
            yield from self._beside(key, removal.key)

    def _beside(self, result_key: str, source_key: str) -> Iterator[str]:
        """The key of a cut-out, and those of its review and its variants."""
        yield result_key
        for reviewed in islice(review_keys(result_key, source_key), USUAL_REVIEW_KEYS):
            yield from (reviewed, beside(reviewed))
        for recipe in recipes_for(self.recipes, source_key):
            yield from recipe.keys(result_key, self.result_prefix)

    def _remove(self, key: str, removal: Removal, known: set[str]) -> bool:
        for _ in range(_TRIES):
            current = self.results.current(key)
            if current is None or not _is_to_go(current, removal, known):
                return False
            if self.results.remove(key, current):
                return True
        raise TransientError("other writers change the result too often")


def _is_to_go(current: StoredResult, removal: Removal, known: set[str]) -> bool:
    if current.job_id is None or current.order is None:
        return False
    if removal.job_id is not None:
        return current.job_id == removal.job_id
    # Its job may have expired; its id is derived from the source's version.
    version = current.source_version or ""
    is_the_sources = current.job_id in {*known, job_id_of(removal.bucket, removal.key, version)}
    return is_the_sources and current.order < removal.order
