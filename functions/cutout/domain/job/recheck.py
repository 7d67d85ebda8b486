"""Rechecking earlier attempts for results that were paid for, before a retry pays again.

A job may end without the result of a call that the provider took: the API was not readable before
the deadline, or did not know the task for a while, or each try to store the result failed. The
provider keeps results for a day, and reading is free.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Move, State


def reopened(job: Job) -> Job:
    """The job with its attempt reopened whose result could not be fetched, or not be checked."""
    unused = job.attempt_numbered(job.storing_attempt)
    if unused is None or (job.state, job.reason) not in _WITH_UNUSED_RESULT:
        return job
    # Its task succeeded, so the attempt was closed; storing its result may succeed now.
    # Asked again before, it brought the result once more, so a further retry asks again, too.
    is_asked_again = unused.is_asked_again and job.reason is not Reason.RESULT_UNCHECKED
    known = replace(unused, outcome=AttemptOutcome.ACCEPTED, is_asked_again=is_asked_again)
    return job.with_attempt(known)


_WITH_UNUSED_RESULT = frozenset(
    {(State.FAILED, Reason.RESULT_LOST), (State.REVIEW, Reason.RESULT_UNCHECKED)}
)


def next_to_recheck(job: Job, *, is_fresh: bool = False) -> Attempt | None:
    """The newest attempt with a task id that may still have a result; None if there is none.

    A task id from a callback's body counts: the callback proves that the provider took the call. A
    job that needs a fresh result waits for such a task only: no read of it was final yet.
    """
    return next(
        (
            attempt
            for attempt in reversed(job.attempts)
            if attempt.is_open
            and not attempt.is_asked_again
            and (attempt.named_task or (attempt.task_id and not is_fresh))
        ),
        None,
    )


def rechecking(job: Job, attempt: Attempt, now: datetime) -> Job:
    """The job while it rechecks this attempt; this takes no slot and costs nothing."""
    return replace(job, storing_attempt=attempt.number).move(
        Move.FETCH,
        now=now,
        reason=Reason.RETRIED_BY_PERSON,
        due_at=now,
    )


def still_running(job: Job, attempt: Attempt) -> Job:
    """The job after the API reported that this attempt's task is running.

    The recheck continues until the deadline, but a further retry does not recheck this attempt. If
    a callback has named another task, that one is read next: it may have ended.
    """
    followed = job.tracked_attempt
    if followed is None or not job.is_rechecking or not job.tracks(attempt):
        return job
    # Otherwise a task that never ends would keep each further retry from a new call.
    known = replace(followed, is_asked_again=True)
    if followed.task_id and followed.named_task and not followed.is_asked_again:
        known = known.with_tasks_swapped()
    return job.with_attempt(known)


def after_recheck(job: Job, now: datetime) -> Job:
    """The job after an attempt had no result: it rechecks the next attempt, or is queued."""
    attempt = next_to_recheck(job)
    if attempt is not None:
        return rechecking(job, attempt, now)
    return job.move(Move.CACHE_MISS, now=now, reason=Reason.RETRIED_BY_PERSON, due_at=now)
