"""A job as text for people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cutout.domain.job.attempt import Attempt, charged
from cutout.domain.job.job import Job
from cutout.domain.states import State

if TYPE_CHECKING:
    from rich.text import Text

STATE_STYLES = {
    State.QUEUED: "bright_black",
    State.SUBMITTING: "cyan",
    State.UNCONFIRMED: "yellow",
    State.PROCESSING: "blue",
    State.STORING: "magenta",
    State.COMPLETED: "green",
    State.REVIEW: "yellow",
    State.FAILED: "red",
    State.REJECTED: "red",
    State.SUPERSEDED: "bright_black",
}


def state_text(state: str) -> Text:
    """Return a state in its colour."""
    from rich.text import Text  # noqa: PLC0415 - loads slowly

    return Text(state, STATE_STYLES.get(State(state), "") if state in set(State) else "")


def cost(job: Job) -> str:
    """Return the cost of a job for a table: its credits, or "reused"."""
    return "reused" if job.reused and not job.credits else f"{float(job.credits):g}"


def attempt_cost(attempt: Attempt) -> str:
    """Return the credits of an attempt; "reserved" if the provider has not reported them yet."""
    unreported = attempt.credits_used is None and charged(attempt)
    return f"{unreported:g} reserved" if unreported else f"{attempt.credits_used or 0:g}"


def attempts_made(job: Job) -> str:
    """Return the number of attempts, including those that the job no longer stores."""
    count = job.attempt.number if job.attempt else 0
    return "no attempt" if not count else f"{count} attempt{'s' if count > 1 else ''}"


def explanation(job: Job) -> str:
    """Return why a job is in its state; empty if there is nothing to explain."""
    detail = " ".join(": ".join(part for part in (job.code, job.message) if part).split())
    if job.reason and detail:
        return f"{job.reason} ({detail})"
    return job.reason.value if job.reason else detail


def settled_at(job: Job) -> datetime | None:
    """Return when the job ended."""
    if not job.state.is_settled:
        return None
    # The last time: a job that was retried has ended before.
    return next((step.at for step in reversed(job.history) if step.state is job.state), None)


def lasted(job: Job) -> timedelta:
    """Return how long the job took, or has taken so far."""
    return (settled_at(job) or job.updated_at) - job.created_at


def event_text(job: Job) -> str:
    """Return whether the event of a job that has ended was sent."""
    if job.state is State.SUPERSEDED:
        return "none: a newer upload or a deletion replaced this one"
    return "sent to the event bus" if job.is_announced else "not sent yet; Sweep sends it"


def variants_in_words(job: Job) -> str:
    """Return which variants exist, and why others could not be made."""
    made = [one.recipe for one in job.variants if one.key]
    failed = [f"no {one.recipe}: {one.problem}" for one in job.variants if not one.key]
    return ", ".join([*([f"also {', '.join(made)}"] if made else []), *failed])
