"""How a stack stands in numbers: what `cutout watch` shows, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cutout.cli.output.describe import duration
from cutout.cli.output.gate_text import gate_as_json, gate_in_words
from cutout.domain.states import SETTLED, State
from cutout.ports.jobs_table import MOST_COUNTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cutout.domain.gate import Gate
    from cutout.ports.jobs_table import BacklogStatus

WINDOW = timedelta(minutes=5)
"""What was settled within this time makes the rates."""
OPEN = tuple(state for state in State if state not in SETTLED)
ENDS = tuple(state for state in State if state in SETTLED)
REQUESTS = 1 + len(OPEN) + len(ENDS) + 5
"""For one look: the gate, a page of an index for each state, and who stands at the gate."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """One look.

    Attributes:
        now: jobs in each open state, at most `MOST_COUNTED` of each.
        lately: jobs that were settled within `WINDOW`, likewise.
    """

    at: datetime
    gate: Gate
    backlog: BacklogStatus
    now: Mapping[State, int]
    lately: Mapping[State, int]

    @property
    def per_minute(self) -> float:
        """How many photos are completed in a minute."""
        return self.lately.get(State.COMPLETED, 0) / (WINDOW.total_seconds() / 60)


def numbers_in_words(numbers: Numbers) -> dict[str, str]:
    """Return the lines by what they are about."""
    gate = gate_in_words(numbers.gate, numbers.at).splitlines()
    return {
        "gate": gate[0],
        "pause": gate[1] if len(gate) > 1 else "none",
        "line": _line(numbers),
        "now": _counted(numbers.now) or "nothing is under way",
        "5 min": f"{_counted(numbers.lately) or 'nothing was settled'}{_rate(numbers)}",
    }


def numbers_in_one_line(numbers: Numbers) -> str:
    """Return all that matters on one line, for logs."""
    words = numbers_in_words(numbers)
    pause = "" if words["pause"] == "none" else f" · {words['pause']}"
    parts = (f"{numbers.at:%H:%M:%S}", words["gate"] + pause, words["line"], words["now"])
    return " · ".join((*parts, f"5 min: {words['5 min']}"))


def numbers_as_json(numbers: Numbers) -> dict[str, Any]:
    """Return the same for programs; ages in seconds."""
    backlog = numbers.backlog
    return {
        "at": numbers.at.isoformat(),
        "gate": gate_as_json(numbers.gate, numbers.at),
        "states": {state.value: count for state, count in numbers.now.items()},
        "settled_lately": {state.value: count for state, count in numbers.lately.items()},
        "window_seconds": WINDOW.total_seconds(),
        "completed_per_minute": round(numbers.per_minute, 3),
        "waiting": backlog.waiting,
        "oldest_waiting_seconds": _seconds(backlog.waiting_since, numbers.at),
        "oldest_in_flight_seconds": _seconds(backlog.in_flight_since, numbers.at),
        "counted_at_most": MOST_COUNTED,
        "requests": REQUESTS,
    }


def _line(numbers: Numbers) -> str:
    backlog = numbers.backlog
    told = [f"{_many(backlog.waiting)} waiting behind the gate"]
    if backlog.waiting_since:
        told[0] += f", the oldest for {duration(numbers.at - backlog.waiting_since)}"
    if backlog.in_flight_since:
        told.append(
            f"the oldest call was made {duration(numbers.at - backlog.in_flight_since)} ago"
        )
    return "; ".join(told)


def _counted(counts: Mapping[State, int]) -> str:
    return ", ".join(f"{_many(count)} {state}" for state, count in counts.items() if count)


def _rate(numbers: Numbers) -> str:
    return f"; {numbers.per_minute:.1f} photos a minute" if numbers.per_minute else ""


def _many(count: int) -> str:
    return f"{count}{' or more' if count >= MOST_COUNTED else ''}"


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else round(max(0.0, (now - since).total_seconds()), 3)
