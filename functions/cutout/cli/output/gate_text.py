"""The gate as text and as JSON."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from cutout.cli.output.terminal import print_json, print_lines, stderr, stdout
from cutout.cli.output.units import duration
from cutout.domain.gate.gate import Gate
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.serialization import json_fields

# Reasons of jobs that wait longer than for a slot.
_WAITING_FOR_A_CAUSE = frozenset({Reason.GATE_PAUSED, Reason.DAILY_CAP, Reason.PRICE_ABOVE_CAP})
_WHAT_TO_DO = {
    "key-refused": "the provider refused the API key: put a valid key into the secret, "
    "then run `cutout resume`",
    "out-of-credits": "the account is out of credits: top it up; single photos are sent as a test",
    "rate-limited": "the provider asked for fewer requests; it ends by itself",
    "operator": "paused with `cutout pause`; `cutout resume` ends it",
}
_RAISE_THE_CAP = "`cutout limits --daily-credit-cap CREDITS` raises the cap."


def gate_as_json(gate: Gate, now: datetime) -> dict[str, Any]:
    """Return the gate for programs: limits, usage, and the pause if there is one."""
    limits = gate.limits_in_force
    pause = gate.pause if gate.is_paused(now) else None
    return {
        "in_flight": gate.in_flight,
        "max_in_flight": limits.max_in_flight,
        "credits_today": float(gate.spent_on(now.date())),
        "daily_credit_cap": float(limits.daily_credit_cap),
        "credits_a_photo": float(gate.price),
        "limits_are_deployed": gate.limits is None,
        "pause": pause and json_fields(pause, "reason", "since", "until"),
    }


def what_to_do(reason: PauseReason) -> str:
    """Return why the gate is paused, and what ends the pause."""
    return _WHAT_TO_DO.get(reason.value, f"{reason.value}: a reason from a newer version of Cutout")


class Delay(NamedTuple):
    """Why jobs wait at the gate longer than for a slot; the same cause may have another text."""

    cause: str
    text: str


def delay(jobs: Iterable[Job], read_gate: Callable[[], Gate], now: datetime) -> Delay | None:
    """Return why some of these jobs wait, and what helps; None if none does."""
    # A wait for a slot needs no explanation: it ends by itself.
    reasons = {job.reason for job in jobs if job.is_waiting} & _WAITING_FOR_A_CAUSE
    if not reasons:
        return None
    gate = read_gate()  # a request, which most readings do not need
    cap = gate.limits_in_force.daily_credit_cap
    match gate.why_closed(now):
        case Reason.DAILY_CAP:
            midnight = datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=UTC)
            text = (
                f"Photos wait for the next day (UTC), in {duration(midnight - now)}: "
                f"{float(gate.spent_on(now.date())):g} of {float(cap):g} credits are spent today."
            )
            return Delay("cap", f"{text} {_RAISE_THE_CAP}")
        case Reason.PRICE_ABOVE_CAP:
            text = (
                f"Photos wait: one costs {float(gate.price):g} credits, too much for the daily cap "
                f"of {float(cap):g}."
            )
            return Delay("price", f"{text} {_RAISE_THE_CAP}")
    return pause_of(gate, now)


def pause_of(gate: Gate, now: datetime) -> Delay | None:
    """Return why no photo is sent now, if the gate is paused."""
    if gate.pause is None or not gate.is_paused(now):
        return None
    text = f"No photo is sent now: the gate was {_pause_in_words(gate.pause, now)}."
    return Delay(f"{gate.pause.reason} {gate.pause.since}", text)


def print_delay(jobs: Iterable[Job], read_gate: Callable[[], Gate], now: datetime) -> None:
    """Print why some of these jobs wait, to stderr."""
    if found := delay(jobs, read_gate, now):
        stderr().print(found.text, style="yellow", soft_wrap=True)


def print_gate(gate: Gate, now: datetime, *, as_json: bool) -> None:
    """Print the gate, for people or for programs."""
    if as_json:
        print_json(gate_as_json(gate, now))
    else:
        print_lines(stdout(), gate_in_words(gate, now))


def gate_in_words(gate: Gate, now: datetime) -> str:
    """Return the gate for people: one to three lines."""
    facts = gate_as_json(gate, now)
    origin = "as deployed" if facts["limits_are_deployed"] else "changed while running"
    use = (
        f"{facts['in_flight']} of {facts['max_in_flight']} tasks in flight, "
        f"{facts['credits_today']:g} of {facts['daily_credit_cap']:g} credits today ({origin})"
    )
    lines = [use]
    price, cap = facts["credits_a_photo"], facts["daily_credit_cap"]
    if price > cap:
        what = (
            "no photo is sent until you set a higher cap"
            if cap < gate.usual_price
            else "one photo a day is sent to check the price"
        )
        lines.append(
            f"the provider asked {price:g} credits for one photo, which is above the daily cap: "
            f"{what}"
        )
    if gate.pause is not None and gate.is_paused(now):
        lines.append(_pause_in_words(gate.pause, now))
    return "\n".join(lines)


def _pause_in_words(pause: Pause, now: datetime) -> str:
    end = "" if pause.until is None else f", for another {duration(pause.until - now)}"
    return f"paused {duration(now - pause.since)} ago{end}: {what_to_do(pause.reason)}"
