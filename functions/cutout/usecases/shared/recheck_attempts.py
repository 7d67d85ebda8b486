"""Asking for results that may have been paid for, before a person's retry pays again.

A job may end although a call of it was taken: the API could not be read until the deadline, or it
did not know the task for a while. The provider keeps results for a day, and asking costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.states import AttemptOutcome, Move, Reason, State


def reopened(job: Job) -> Job:
    """The job with the attempt open again whose result was made and could not be fetched."""
    lost = job.attempt_numbered(job.storing_attempt)
    if lost is None or (job.state, job.reason) != (State.FAILED, Reason.RESULT_LOST):
        return job
    return job.with_attempt(replace(lost, outcome=AttemptOutcome.ACCEPTED))


def next_to_recheck(job: Job) -> Attempt | None:
    """The newest attempt with a known task of which nobody knows that it brings no result.

    A task that only a callback named counts as known: it proves that the call was taken.
    """
    return next(
        (
            attempt
            for attempt in reversed(job.attempts)
            if attempt.is_open
            and not attempt.is_asked_again
            and (attempt.task_id or attempt.named_task)
        ),
        None,
    )


def rechecking(job: Job, attempt: Attempt, now: datetime) -> Job:
    """The job while it asks for the result of this attempt: it takes no slot, and pays nothing."""
    return job.move(
        Move.FETCH,
        now=now,
        reason=Reason.RETRIED_BY_PERSON,
        due_at=now,
        storing_attempt=attempt.number,
    )


def is_rechecking(job: Job) -> bool:
    """A person had it tried again, and it asks for a result that may be there."""
    return job.state is State.STORING and job.reason is Reason.RETRIED_BY_PERSON


def still_running(job: Job, attempt: Attempt) -> Job:
    """The job once the API said that this attempt's task runs: an answer, if it asks for that one.

    It goes on to ask until its deadline, but the next retry does not ask for this attempt again.
    """
    followed = job.tracked_attempt
    if not is_rechecking(job) or followed is None or followed.number != attempt.number:
        return job
    return job.with_attempt(replace(followed, is_asked_again=True))


def after_recheck(job: Job, now: datetime) -> Job:
    """The job once an attempt brings no result: it asks for the next one's, or is submitted."""
    attempt = next_to_recheck(job)
    if attempt is not None:
        return rechecking(job, attempt, now)
    return job.move(Move.CACHE_MISS, now=now, reason=Reason.RETRIED_BY_PERSON, due_at=now)
