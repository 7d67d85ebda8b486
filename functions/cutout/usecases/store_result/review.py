"""Saying beside a result that failed acceptance what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.object_keys import beside, review_keys
from cutout.domain.photo.picture import Picture
from cutout.domain.states import AttemptOutcome, Reason, State
from cutout.usecases.shared.error_note_texts import (
    address,
    cost,
    keep_command,
    retry_command,
    whose,
    why,
)
from cutout.usecases.shared.error_notes import LatestNotes, occasion_of
from cutout.usecases.store_result.fetched_result import FetchedResult

_PLACES = 2
"""Candidates for a place for review that are ever taken, but for a hash that somebody else has."""


@dataclass(frozen=True, kw_only=True)
class ReviewNotes:
    """Writes `review/<name>.png.json` beside `review/<name>.png`."""

    board: LatestNotes
    results_bucket: str

    def write(self, delivery: FetchedResult, review_reason: Reason) -> None:
        """Say what was measured and what was expected, for whoever decides what becomes of it."""
        job = delivery.job
        told = review_note(delivery, review_reason, self.results_bucket)
        self.board.put(beside(delivery.key), told, job_id=job.id, occasion=occasion_of(job))

    def resolve(self, delivery: FetchedResult) -> None:
        """Say that nothing is left to decide, if an earlier attempt of the job waits for review.

        What came back then was paid for: it stays where it is.
        """
        job = delivery.job
        if not any(_brought_another(attempt, job) for attempt in job.attempts):
            return
        told = {
            **whose(job),
            "state": State.COMPLETED.value,
            "meaning": "A later attempt has completed: nothing is left to decide.",
            "result": address(self.results_bucket, delivery.key),
            "at": job.updated_at.isoformat(),
        }
        for place in islice(review_keys(delivery.key, job.source.key), _PLACES):
            self.board.replace_of_job(beside(place), told, job_id=job.id, occasion=occasion_of(job))


def _brought_another(attempt: Attempt, job: Job) -> bool:
    """A result came of it, and it is not the one that is being stored."""
    return attempt.outcome is AttemptOutcome.SUCCEEDED and attempt.number != job.storing_attempt


def review_note(delivery: FetchedResult, review_reason: Reason, bucket: str) -> dict[str, Any]:
    """What is said beside a result."""
    job, photo = delivery.job, delivery.photo
    return {
        **whose(job),
        "state": State.REVIEW.value,
        **why(review_reason),
        "measured": {
            "bytes": delivery.file.stat().st_size,
            **_picture(delivery.picture),
        },
        "expected": {
            "width": photo.width,
            "height": photo.height,
            "shape": "that of the photo, at most 2 % off, and not much smaller",
            "alpha": "some pixels below 255, some above 0",
        },
        "result": address(bucket, delivery.key),
        **cost(job),
        "keep": keep_command(job, bucket, delivery.key),
        "retry": retry_command(job),
    }


def _picture(picture: Picture | None) -> dict[str, Any]:
    """Nulls for what is not a picture, and for the alpha of one that has none."""
    if picture is None:
        return {"format": None, "width": None, "height": None, "alpha": None}
    alpha = picture.alpha_range
    return {
        "format": picture.format,
        "width": picture.width,
        "height": picture.height,
        "alpha": None if alpha is None else {"least": alpha[0], "greatest": alpha[1]},
    }
