"""Notes beside results that failed acceptance: what is wrong with them."""

from __future__ import annotations

from itertools import islice
from typing import Any

from cutout.domain.dataclass import dataclass
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result, ReviewDecision, Verdict
from cutout.domain.object_keys import USUAL_REVIEW_KEYS, beside, review_keys
from cutout.domain.photo.photo_and_result_checks import Picture
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.usecases.shared.error_note_texts import (
    address,
    cost,
    retry_command,
    review_command,
    whose,
    why,
)
from cutout.usecases.shared.notes_and_tags import LatestNotes
from cutout.usecases.store_result.finish_cutout import FetchedResult


@dataclass(frozen=True, kw_only=True)
class ReviewNotes:
    """Writes `review/<name>.png.json` beside `review/<name>.png`."""

    latest_notes: LatestNotes
    results_bucket: str

    def write(self, fetched: FetchedResult, key: str, review_reason: Reason) -> None:
        """Write what was measured and expected, for the person who reviews the result at `key`."""
        job, photo = fetched.job, fetched.photo
        note = {
            **whose(job),
            "state": State.REVIEW.value,
            **why(review_reason),
            "measured": {"bytes": fetched.file.stat().st_size, **_measured(fetched.picture)},
            "expected": {
                "width": photo.width,
                "height": photo.height,
                "shape": "that of the photo, at most 2 % off, and not much smaller",
                "alpha": "some pixels below 255, some above 0",
            },
            "result": address(self.results_bucket, key),
            **cost(job),
            "keep": review_command(Verdict.ACCEPT, job),
            "reject": review_command(Verdict.REJECT, job),
            "retry": retry_command(job),
        }
        self.latest_notes.put(beside(key), note, job)

    def resolve(self, fetched: FetchedResult, key: str) -> None:
        """Replace the notes of the job's results under review: its cut-out is at `key`.

        These results were paid for and stay in the bucket.
        """
        job = fetched.job
        if fetched.is_accepted and job.decision and job.result:
            self.decided(job, job.decision, job.result)
        has_another = any(_brought_another(attempt, job) for attempt in job.attempts)
        # A retry may also have stored the same result, which could not be checked before.
        if not (has_another or job.was_reviewed):
            return
        note = {
            **whose(job),
            "state": State.COMPLETED.value,
            "meaning": "The job has completed since: nothing is left to decide.",
            "result": address(self.results_bucket, key),
            "at": job.updated_at.isoformat(),
        }
        for place in islice(review_keys(key, job.source.key), USUAL_REVIEW_KEYS):
            self.latest_notes.replace_of_job(beside(place), note, job)

    def decided(self, job: Job, decision: ReviewDecision, result: Result) -> None:
        """Replace the note of the result under review: a person has decided."""
        note = {
            **whose(job),
            **why(decision.verdict.reason),
            "message": decision.text,
            **cost(job),
            "at": decision.at.isoformat(),
        }
        self.latest_notes.replace_of_job(beside(result.key), note, job)


def _brought_another(attempt: Attempt, job: Job) -> bool:
    """Whether the attempt has a result other than the one that is being stored."""
    return attempt.outcome is AttemptOutcome.SUCCEEDED and attempt.number != job.storing_attempt


def _measured(picture: Picture | None) -> dict[str, Any]:
    """The image's properties; null for what is no image, and for the alpha of an opaque one."""
    alpha = picture and picture.alpha_range
    return {
        "format": picture and picture.format,
        "width": picture and picture.width,
        "height": picture and picture.height,
        "alpha": alpha and {"least": alpha[0], "greatest": alpha[1]},
    }
