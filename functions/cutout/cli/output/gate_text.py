"""The gate as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cutout.cli.output.describe import duration
from cutout.cli.output.terminal import print_json, print_lines, stdout
from cutout.domain.gate import DEFAULT_LIMITS, USUAL_PRICE

if TYPE_CHECKING:
    from datetime import datetime

    from cutout.domain.gate import Gate, Pause, PauseReason

_WHAT_TO_DO = {
    "key-refused": "the provider refused the API key: put a valid key into the secret, "
    "then run `cutout resume`",
    "out-of-credits": "the account is out of credits: top it up; single photos are sent as a test",
    "rate-limited": "the provider asked for fewer requests; it ends by itself",
    "operator": "paused with `cutout pause`; `cutout resume` ends it",
}


def gate_as_json(gate: Gate, now: datetime) -> dict[str, Any]:
    """Return the gate for programs: limits, usage, and the pause if there is one."""
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
    """Return why the gate is paused, and what ends the pause."""
    return _WHAT_TO_DO.get(reason.value, f"{reason.value}: a reason from a newer version of Cutout")


def print_gate(gate: Gate, now: datetime, *, as_json: bool) -> None:
    """Print the gate, for people or for programs."""
    if as_json:
        print_json(gate_as_json(gate, now))
    else:
        print_lines(stdout(), gate_in_words(gate, now))


def gate_in_words(gate: Gate, now: datetime) -> str:
    """Return the gate for people: two or three lines."""
    facts = gate_as_json(gate, now)
    origin = "as deployed" if facts["limits_are_deployed"] else "changed while running"
    use = (
        f"{facts['in_flight']} of {facts['max_in_flight']} tasks in flight, "
        f"{facts['credits_today']:g} of {facts['daily_credit_cap']:g} credits today ({origin})"
    )
    lines = [use, *_price_in_words(facts)]
    if gate.pause is not None and gate.is_paused(now):
        lines.append(_pause_in_words(gate.pause, now))
    return "\n".join(lines)


def _price_in_words(facts: dict[str, Any]) -> list[str]:
    """Return a line if the price of one photo is above the daily cap, so that none is sent."""
    price, cap = facts["credits_a_photo"], facts["daily_credit_cap"]
    if price <= cap:
        return []
    what = (
        "no photo is sent until you set a higher cap"
        if cap < USUAL_PRICE
        else "one photo a day is sent to check the price"
    )
    return [
        f"the provider asked {price:g} credits for one photo, which is above the daily cap: {what}"
    ]


def _pause_in_words(pause: Pause, now: datetime) -> str:
    end = "" if pause.until is None else f", for another {duration(pause.until - now)}"
    return f"paused {duration(now - pause.since)} ago{end}: {what_to_do(pause.reason)}"
