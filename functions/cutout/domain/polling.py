"""When a task is read: the waits before its first read, and before it is read again."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from cutout.domain.job.job import Job
from cutout.domain.timing import Randomness, Timing, back_off

_UNKNOWN_FOR_NOW = timedelta(seconds=60)


class LastAnswer(StrEnum):
    """What the provider last answered about a task."""

    ACCEPTED = "accepted"
    """It took the call, and named the task."""
    RUNNING = "running"
    """The task has not ended."""
    UNKNOWN = "unknown"
    """It does not know the task yet, which a callback or an earlier answer named."""
    UNREADABLE = "unreadable"
    """No answer, or none that could be used."""


def wait_before_read(
    last: LastAnswer, job: Job, timing: Timing, randomness: Randomness
) -> timedelta:
    """The wait before the task of a job is read, after this answer."""
    match last:
        case LastAnswer.ACCEPTED:
            return timing.first_poll
        case LastAnswer.RUNNING:
            return timing.poll_interval
        case LastAnswer.UNKNOWN:
            return _UNKNOWN_FOR_NOW
        case LastAnswer.UNREADABLE:
            return back_off(job.tries, timing.poll_interval, randomness)


def may_become_known(unknown_for: timedelta, timing: Timing) -> bool:
    """True while a task that the provider does not know may be too new for it."""
    return unknown_for < timing.provider.task_visibility_delay
