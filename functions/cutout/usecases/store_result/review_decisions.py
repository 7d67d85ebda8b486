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
from cutout.ports.buckets import Folders, ReviewedResults
from cutout.usecases.shared.notes_and_tags import ShownVersions
from cutout.usecases.shared.step_failures import StepFailures
from cutout.usecases.store_result.finish_cutout import FetchedResult, FinishCutout
from cutout.usecases.store_result.publish_with_metadata import sha256
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.review_notes import ReviewNotes
from cutout.usecases.store_result.store_result import StoreResult, is_unchecked


@dataclass(frozen=True, kw_only=True)
class ReviewDecisions:
    """Publishes accepted results, and ends jobs whose result is rejected.

    Attributes:
        result_cache: None in a deployment that pays for each upload.
    """

    folders: Folders
    results: ReviewedResults
    shown_versions: ShownVersions
    failures: StepFailures
    finish_cutout: FinishCutout
    review_notes: ReviewNotes
    result_cache: ResultCache | None
    store_result: StoreResult

    def carry_out(self, job: Job) -> Job:
        """Carry out the decision; this worker has the job's lease. Returns the job as stored."""
        superseded = self.shown_versions.why_superseded(job)
        if superseded:
            return self.store_result.settle(job, Move.SUPERSEDE, superseded)
        if job.decision is None or job.result is None:
            return self.failures.end(job, "the job names no decision, or no result")
        if job.decision.verdict is Verdict.REJECT:
            return self._reject(job, job.decision, job.result)
        if is_unchecked(job):
            return self.failures.end(job)
        return self._accept(job, job.result)

    def _reject(self, job: Job, decision: ReviewDecision, result: Result) -> Job:
        if self.result_cache is not None:
            self.result_cache.reject(job)
        self.review_notes.decided(job, decision, result)
        return self.store_result.settle(
            job, Move.FAIL, decision.verdict.reason, message=decision.text
        )

    def _accept(self, job: Job, result: Result) -> Job:
        end = self.failures.end
        with self.folders() as folder:
            file = Path(folder) / "result"
            if not self.results.download(result.key, file):
                return end(job, "the result under review no longer exists")
            if sha256(file) != result.sha256:
                return end(job, "the result under review is not the one that was kept")
            fetched = FetchedResult(job=job, file=file, pixels=result.pixels)
            checked = self.finish_cutout.check(fetched)
            if checked.picture is None:
                return end(job, "the result under review cannot be decoded")
            if self.result_cache is not None:
                self.result_cache.accept(checked)
            return self.store_result.complete(checked)
