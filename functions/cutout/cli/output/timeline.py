"""The history of a job, step by step, for people and for programs."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from cutout.domain.dataclass import dataclass
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.reasons import Reason
from cutout.domain.serialization import json_fields
from cutout.domain.states import State

_MEANINGS = {
    Reason.GATE_FULL: "waits at the gate: all slots are in use",
    Reason.PRICE_ABOVE_CAP: "waits at the gate: one photo costs more than the daily cap",
    Reason.DAILY_CAP: "waits at the gate: the daily credit cap is reached",
    Reason.GATE_PAUSED: "waits at the gate: the gate is paused",
    Reason.BEHIND_OTHERS: "waits at the gate: other photos come first",
    Reason.PREPARING: "Prepare makes a copy that the model accepts",
    Reason.SAME_PICTURE: "another job is processing the same photo; its result will be used",
    Reason.KEPT_RESULT_LOST: "the cached result of the same photo is gone; a new request is sent",
    Reason.BACKING_OFF: "a step failed, or the request was not accepted; it is retried later",
    Reason.TASK_RETRIED: "the task failed with a temporary error; it is retried later",
    Reason.OUTCOME_UNKNOWN: "request outcome unknown; waiting for the callback",
    Reason.RETRIED_BY_PERSON: "retried by a person",
    Reason.ACCEPTED_BY_PERSON: "accepted by a person",
    Reason.REJECTED_BY_PERSON: "rejected by a person",
    Reason.RESULT_UNREADABLE: "the result could not be fetched; it is retried later",
}


@dataclass(frozen=True, kw_only=True)
class TimelineStep:
    """One step of the history.

    Attributes:
        since_start: the time since the job was created.
        lasted: the time until the next step, or until now for the current state; None for a final
            state.
        text: what happened; may be empty.
        attempt: the number of the attempt that began with this step.
    """

    at: datetime
    state: State
    reason: Reason | None
    since_start: timedelta
    lasted: timedelta | None
    text: str
    attempt: int | None = None


def timeline(job: Job, now: datetime) -> list[TimelineStep]:
    """Return every step that the job stores, in order."""
    ends = [after.at for _, after in pairwise(job.history)]
    last = None if job.state.is_settled else now
    calls = list(_calls(job.history, job.attempts))
    return [
        TimelineStep(
            at=step.at,
            state=step.state,
            reason=step.reason,
            since_start=step.at - job.created_at,
            lasted=None if end is None else end - step.at,
            text=_text(job, step, call),
            attempt=call.number if call else None,
        )
        for step, end, call in zip(job.history, [*ends, last], calls, strict=True)
    ]


def is_shortened(job: Job) -> bool:
    """Whether the job no longer stores its first steps; it keeps the latest."""
    return bool(job.history) and job.history[0].at > job.created_at


def step_as_json(step: TimelineStep) -> dict[str, Any]:
    """Return the JSON of a step."""
    return {
        **json_fields(step, "at", "state", "reason"),
        "seconds_since_start": round(step.since_start.total_seconds(), 3),
        "seconds": None if step.lasted is None else round(step.lasted.total_seconds(), 3),
        "attempt": step.attempt,
        "says": step.text,
    }


def _calls(steps: Sequence[HistoryEntry], attempts: Sequence[Attempt]) -> Iterator[Attempt | None]:
    """Yield for each step the attempt that began with it: the newest one begun by then."""
    for step in steps:
        # A request that is sent again belongs to the attempt that it was first sent for.
        begun = [one for one in attempts if one.started_at <= step.at]
        is_call = step.state is State.SUBMITTING and begun
        yield begun[-1] if is_call else None


def _text(job: Job, step: HistoryEntry, call: Attempt | None) -> str:
    if call is not None:
        sent = [it.at for it in job.history if it.state is State.SUBMITTING]
        is_repeat = any(call.started_at <= at < step.at for at in sent)
        return f"attempt {call.number}{', the same request again' if is_repeat else ''}"
    if step.reason is not None:
        return _MEANINGS.get(step.reason, step.reason.value)
    if step.state is State.STORING and job.reused:
        return f"the cached result of job {job.reused.job_id}"
    if step.state is State.PROCESSING:
        begun = [one.task_id for one in job.attempts if one.started_at <= step.at and one.task_id]
        return begun[-1] if begun else ""
    if step.state is State.COMPLETED and job.result:
        return job.result.key
    return ""
