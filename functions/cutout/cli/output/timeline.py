"""A job's whole history, step by step, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cutout.domain.states import Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from cutout.domain.job.attempt import Attempt
    from cutout.domain.job.job import HistoryEntry, Job

_WORDS = {
    Reason.GATE_FULL: "behind the gate: every slot is taken",
    Reason.DAILY_CAP: "behind the gate: the day's credits are used up",
    Reason.GATE_PAUSED: "behind the gate: intake is paused",
    Reason.BEHIND_OTHERS: "behind the gate: others are before it",
    Reason.PREPARING: "a copy that the model takes is being prepared",
    Reason.SAME_PICTURE: "the same picture is being bought; its result will do",
    Reason.KEPT_RESULT_LOST: "what was kept of the same picture is gone; it is bought anew",
    Reason.BACKING_OFF: "the call did not leave or was not taken; tried again later",
    Reason.TASK_RETRIED: "the task failed in a way that may pass; tried again later",
    Reason.OUTCOME_UNKNOWN: "nobody knows whether the call was taken; its callback would tell",
    Reason.RETRIED_BY_PERSON: "once more, on a person's word",
    Reason.RESULT_UNREADABLE: "the result could not be fetched; tried again later",
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One step of the history.

    Attributes:
        since_start: since the upload was taken note of.
        lasted: until the next step, or until now where the job still stands here; None at the end.
        says: what happened, in words; may be empty.
        attempt: the number of the call that was made with this step.
    """

    at: datetime
    state: State
    reason: Reason | None
    since_start: timedelta
    lasted: timedelta | None
    says: str
    attempt: int | None = None


def timeline(job: Job, now: datetime) -> list[Moment]:
    """Return every step that the row remembers, in order."""
    ends = [after.at for _, after in pairwise(job.history)]
    last = None if job.state.is_settled else now
    calls = list(_calls(job.history, job.attempts))
    return [
        Moment(
            at=step.at,
            state=step.state,
            reason=step.reason,
            since_start=step.at - job.created_at,
            lasted=None if end is None else end - step.at,
            says=_says(job, step, call),
            attempt=call.number if call else None,
        )
        for step, end, call in zip(job.history, [*ends, last], calls, strict=True)
    ]


def forgotten(job: Job) -> bool:
    """Say whether the row has lost its first steps: it keeps the latest."""
    return bool(job.history) and job.history[0].at > job.created_at


def moment_as_json(moment: Moment) -> dict[str, Any]:
    """Return what ``--json`` prints of a step."""
    return {
        "at": moment.at.isoformat(),
        "state": moment.state.value,
        "reason": moment.reason.value if moment.reason else None,
        "seconds_since_start": round(moment.since_start.total_seconds(), 3),
        "seconds": None if moment.lasted is None else round(moment.lasted.total_seconds(), 3),
        "attempt": moment.attempt,
        "says": moment.says,
    }


def _calls(steps: Sequence[HistoryEntry], attempts: Sequence[Attempt]) -> Iterator[Attempt | None]:
    """Say for each step which call was made with it: the newest one begun by then."""
    for step in steps:
        begun = [one for one in attempts if one.started_at <= step.at]
        is_call = step.state is State.SUBMITTING and begun
        yield begun[-1] if is_call else None


def _says(job: Job, step: HistoryEntry, call: Attempt | None) -> str:
    if call is not None:
        is_repeat = call.started_at < step.at
        return f"attempt {call.number}{', the same call once more' if is_repeat else ''}"
    if step.reason is not None:
        return _WORDS.get(step.reason, step.reason.value)
    if step.state is State.STORING and job.reused:
        return f"from the kept result of job {job.reused.job_id}"
    if step.state is State.PROCESSING:
        return _task(job, step)
    if step.state is State.COMPLETED and job.result:
        return job.result.key
    return ""


def _task(job: Job, step: HistoryEntry) -> str:
    begun = [one for one in job.attempts if one.started_at <= step.at and one.task_id]
    return f"{begun[-1].task_id}" if begun else ""
