"""The numbers of a stack that `cutout watch` shows, as text and as JSON."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cutout.cli.output.gate_text import gate_as_json, gate_in_words
from cutout.cli.output.units import duration
from cutout.domain.dataclass import dataclass
from cutout.domain.gate.gate import Gate
from cutout.domain.states import SETTLED, State
from cutout.ports.jobs_table import MOST_COUNTED, BacklogStatus

WINDOW = timedelta(minutes=5)
"""The rate counts jobs that were settled within this time."""
OPEN = tuple(state for state in State if state not in SETTLED)
ENDS = tuple(state for state in State if state in SETTLED)
REQUESTS = 1 + len(OPEN) + len(ENDS) + 5
"""Requests for one reading: the gate, a page of an index for each state, and the waiting jobs."""


@dataclass(frozen=True, kw_only=True)
class StackMetrics:
    """One reading.

    Attributes:
        now: the number of jobs in each state that is not final, at most `MOST_COUNTED` of each.
        lately: the number of jobs that reached each final state within `WINDOW`, likewise.
    """

    at: datetime
    gate: Gate
    backlog: BacklogStatus
    now: Mapping[State, int]
    lately: Mapping[State, int]

    @property
    def per_minute(self) -> float:
        """Completed photos a minute."""
        return self.lately.get(State.COMPLETED, 0) / (WINDOW.total_seconds() / 60)


def metrics_in_words(metrics: StackMetrics) -> dict[str, str]:
    """Return the lines by their titles."""
    gate = gate_in_words(metrics.gate, metrics.at).splitlines()
    rate = f"; {metrics.per_minute:.1f} photos a minute" if metrics.per_minute else ""
    return {
        "gate": gate[0],
        "pause": gate[1] if len(gate) > 1 else "none",
        "waiting": _waiting(metrics),
        "now": _counted(metrics.now) or "no job is in progress",
        "5 min": f"{_counted(metrics.lately) or 'no job was settled'}{rate}",
    }


def metrics_in_one_line(metrics: StackMetrics) -> str:
    """Return the numbers on one line, for logs."""
    words = metrics_in_words(metrics)
    pause = "" if words["pause"] == "none" else f" · {words['pause']}"
    return (
        f"{metrics.at:%H:%M:%S} · {words['gate']}{pause} · waiting: {words['waiting']} · "
        f"{words['now']} · 5 min: {words['5 min']}"
    )


def metrics_as_json(metrics: StackMetrics) -> dict[str, Any]:
    """Return the same for programs; ages in seconds."""
    backlog = metrics.backlog
    return {
        "at": metrics.at.isoformat(),
        "gate": gate_as_json(metrics.gate, metrics.at),
        "states": {state.value: count for state, count in metrics.now.items()},
        "settled_lately": {state.value: count for state, count in metrics.lately.items()},
        "window_seconds": WINDOW.total_seconds(),
        "completed_per_minute": round(metrics.per_minute, 3),
        "waiting": backlog.waiting,
        "oldest_waiting_seconds": _seconds(backlog.waiting_since, metrics.at),
        "oldest_in_flight_seconds": _seconds(metrics.gate.in_flight_since, metrics.at),
        "counted_at_most": MOST_COUNTED,
        "requests": REQUESTS,
    }


def _waiting(metrics: StackMetrics) -> str:
    backlog = metrics.backlog
    parts = [f"{_many(backlog.waiting)} at the gate"]
    if backlog.waiting_since:
        parts[0] += f", the oldest for {duration(metrics.at - backlog.waiting_since)}"
    if metrics.gate.in_flight_since:
        age = duration(metrics.at - metrics.gate.in_flight_since)
        parts.append(f"the oldest request was sent {age} ago")
    return "; ".join(parts)


def _counted(counts: Mapping[State, int]) -> str:
    return ", ".join(f"{_many(count)} {state}" for state, count in counts.items() if count)


def _many(count: int) -> str:
    return f"{count}{' or more' if count >= MOST_COUNTED else ''}"


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else round(max(0.0, (now - since).total_seconds()), 3)
