"""Results that were made and paid for, and never came home."""

from __future__ import annotations

from cutout.attempt import Attempt
from cutout.job import Job
from cutout.states import Reason, State


def lost_on_the_way(job: Job) -> Attempt | None:
    """The call whose result was made but could not be fetched; None if it was looked for again.

    What kept it may have been ours, a network without a way out, say, and is mended by now.
    """
    was_looked_for = any(
        step.state is State.STORING and step.reason is Reason.RETRIED_BY_PERSON
        for step in job.history
    )
    if job.state is not State.FAILED or job.reason is not Reason.RESULT_LOST or was_looked_for:
        return None
    paid = job.attempt_numbered(job.storing_attempt or 0)
    return paid if paid is not None and paid.task_id is not None else None
