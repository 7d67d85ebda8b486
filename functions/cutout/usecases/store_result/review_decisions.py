"""Carrying out a person's decision on a result under review; nothing is paid.

The decision is on the job, which is in `storing`. If the worker crashes between two steps, the
lease expires and all steps are repeated.
"""

from __future__ import annotations

from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result, ReviewDecision, Verdict
from cutout.domain.states import Move
from cutout.ports.buckets import Results
from cutout.usecases.store_result.finish_cutout import FetchedResult
from cutout.usecases.store_result.publish_with_metadata import sha256, task_of
from cutout.usecases.store_result.store_result import StoreResult, is_unchecked


@dataclass(frozen=True, kw_only=True)
class ReviewDecisions:
    """Publishes accepted results, and ends jobs whose result is rejected."""

    results: Results
    store_result: StoreResult

    def carry_out(self, job: Job) -> Job:
        """Carry out the decision; this worker has the job's lease. Returns the job as stored."""
        superseded = self.store_result.publisher.shown_versions.why_superseded(job)
        if superseded:
            return self.store_result.settle(job, Move.SUPERSEDE, superseded)
        end = self.store_result.failures.end
        if job.decision is None or job.result is None:
            return end(job, "the job names no decision, or no result")
        if job.decision.verdict is Verdict.REJECT:
            return self._reject(job, job.decision, job.result)
        if is_unchecked(job):
            return end(job)
        return self._accept(job, job.result)

    def _reject(self, job: Job, decision: ReviewDecision, result: Result) -> Job:
        if self.store_result.result_cache is not None:
            deduplication = self.store_result.result_cache.deduplication
            deduplication.decided(job, task_of(job), is_accepted=False)
        self.store_result.review_notes.decided(job, decision, result)
        return self.store_result.settle(
            job, Move.FAIL, decision.verdict.reason, message=decision.text
        )

    def _accept(self, job: Job, result: Result) -> Job:
        end = self.store_result.failures.end
        with self.store_result.folders() as folder:
            file = Path(folder) / "result"
            if not self.results.download(result.key, file):
                return end(job, "the result under review no longer exists")
            if sha256(file) != result.sha256:
                return end(job, "the result under review is not the one that was kept")
            fetched = FetchedResult(job=job, file=file, pixels=result.pixels)
            checked = self.store_result.finish_cutout.check(fetched)
            if checked.picture is None:
                return end(job, "the result under review cannot be decoded")
            if self.store_result.result_cache is not None:
                self.store_result.result_cache.accept(checked)
            return self.store_result.complete(checked)
