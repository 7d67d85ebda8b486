"""The gate, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cutout.cli.output.describe import duration
from cutout.cli.output.terminal import print_json, print_lines, results
from cutout.domain.gate import DEFAULT_LIMITS, USUAL_PRICE

if TYPE_CHECKING:
    from datetime import datetime

    from cutout.cli.context import Surroundings
    from cutout.domain.gate import Gate, Pause, PauseReason

_WHAT_TO_DO = {
    "key-refused": "the provider refused the API key: put a good one into the secret, "
    "then `cutout resume`",
    "out-of-credits": "the account is out of credits: top it up; one photo probes by itself",
    "rate-limited": "the provider asked us to slow down; it goes on by itself",
    "operator": "a person paused it; `cutout resume` opens it",
}


def gate_as_json(gate: Gate, now: datetime) -> dict[str, Any]:
    """Return the gate for programs: limits, what is used of them, and the pause if there is one."""
    limits = gate.limits or gate.deployed or DEFAULT_LIMITS
    pause = gate.pause if gate.is_paused(now) else None
    return {
        "in_flight": gate.in_flight,
        "max_in_flight": limits.max_in_flight,
        "credits_today": float(gate.spent_on(now.date())),
        "daily_credit_cap": float(limits.daily_credit_cap),
        "credits_a_photo": float(gate.price),
        "limits_are_deployed": gate.limits is None,
        "pause": None
        if pause is None
        else {
            "reason": pause.reason.value,
            "since": pause.since.isoformat(),
            "until": pause.until.isoformat() if pause.until else None,
        },
    }


def what_to_do(reason: PauseReason) -> str:
    """Return why the gate is paused, in words, and what opens it."""
    return _WHAT_TO_DO.get(reason.value, f"{reason.value}: a reason of a newer version of Cutout")


def tell_gate(gate: Gate, surroundings: Surroundings, *, as_json: bool) -> None:
    """Print the gate, for people or for programs."""
    now = surroundings.clock.now()
    if as_json:
        print_json(gate_as_json(gate, now))
    else:
        print_lines(results(), gate_in_words(gate, now))


def gate_in_words(gate: Gate, now: datetime) -> str:
    """Return the gate for people: two or three lines."""
    told = gate_as_json(gate, now)
    origin = "as deployed" if told["limits_are_deployed"] else "changed while running"
    use = (
        f"{told['in_flight']} of {told['max_in_flight']} tasks in flight, "
        f"{told['credits_today']:g} of {told['daily_credit_cap']:g} credits today ({origin})"
    )
    lines = [use, *_price_in_words(told)]
    if gate.pause is not None and gate.is_paused(now):
        lines.append(_pause_in_words(gate.pause, now))
    return "\n".join(lines)


def _price_in_words(told: dict[str, Any]) -> list[str]:
    """Return what keeps every photo out while nothing is spent: a price above the whole cap."""
    price, cap = told["credits_a_photo"], told["daily_credit_cap"]
    if price <= cap:
        return []
    what = (
        "nothing is sent until a higher cap is set"
        if cap < USUAL_PRICE
        else "one photo a day is sent to see whether that is still so"
    )
    return [f"the provider named {price:g} credits for one photo, more than the cap: {what}"]


def _pause_in_words(pause: Pause, now: datetime) -> str:
    end = "" if pause.until is None else f", for another {duration(pause.until - now)}"
    return f"paused {duration(now - pause.since)} ago{end}: {what_to_do(pause.reason)}"
