"""Commands print why jobs wait at the gate, and what helps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.builders import new_gate
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job
from tests.support.cli.stack import FakeStack
from tests.support.cli.world import World

EMPTY = new_gate().pausing(PauseReason.OUT_OF_CREDITS, NOON, NOON + timedelta(hours=1))
REFUSED = new_gate().pausing(PauseReason.KEY_REFUSED, NOON, None)
PAUSED = "No photo is sent now: the gate was paused 1.6 s ago"
CAPPED = new_gate(
    limits=Limits(max_in_flight=3, daily_credit_cap=Decimal(6)),
    carried_day=NOON.date(),
    carried_spent=Decimal("5.4"),
)
DEAR = new_gate(limits=Limits(max_in_flight=3, daily_credit_cap=Decimal(5)))


def waiting(key: str, reason: Reason) -> Job:
    """A job that waits at the gate."""
    return replace(
        make_job(key, state=State.QUEUED, reason=reason),
        is_waiting=True,
        due_at=None,
        attempts=(),
    )


@pytest.mark.parametrize(
    ("reason", "gate", "told"),
    [
        (
            Reason.GATE_PAUSED,
            REFUSED,
            (
                f"{PAUSED}: the provider refused the API key: "
                "put a valid key into the secret, then run `cutout resume`."
            ),
        ),
        (
            Reason.GATE_PAUSED,
            EMPTY,
            (
                f"{PAUSED}, for another 60 min: the account "
                "is out of credits: top it up; single photos are sent as a test."
            ),
        ),
        (
            Reason.DAILY_CAP,
            CAPPED,
            (
                "Photos wait for the next day (UTC), in 12 h: 5.4 of 6 credits are spent today. "
                "`cutout limits --daily-credit-cap CREDITS` raises the cap."
            ),
        ),
        (
            Reason.PRICE_ABOVE_CAP,
            DEAR,
            (
                "Photos wait: one costs 5.4 credits, too much for the daily cap of 5. "
                "`cutout limits --daily-credit-cap CREDITS` raises the cap."
            ),
        ),
    ],
)
def test_put_prints_once_why_photos_wait(
    world: World, reason: Reason, gate: Gate, told: str
) -> None:
    """With the command that helps; the gate is not read at every poll."""
    world.stack = FakeStack(ends={"a.jpg": waiting("a.jpg", reason)})
    world.stack.table.gate = gate
    reads: list[float] = []
    read_gate = world.stack.table.read_gate

    def read(deployed: Limits | None = None) -> Gate:
        reads.append(world.stack.clock.elapsed)
        return read_gate(deployed)

    world.stack.table.read_gate = read  # type: ignore[method-assign]
    result = world.run("put", world.photo("a.jpg"), "--timeout", "65")
    assert result.stderr.splitlines().count(told) == 1
    assert len(reads) <= 8


@pytest.mark.parametrize("options", [("--no-wait",), ("--dry-run",)])
def test_put_without_waiting_prints_that_the_gate_is_paused(
    world: World, options: tuple[str, ...]
) -> None:
    """There is no later output."""
    world.stack.table.gate = REFUSED
    assert "`cutout resume`" in world.run("put", world.photo("a.jpg"), *options).stderr
    world.stack.table.gate = new_gate()
    assert "paused" not in world.run("put", world.photo("b.jpg"), *options).stderr


@pytest.mark.parametrize("command", [("ls",), ("where", "a.jpg"), ("show", "a.jpg")])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_commands_that_show_a_waiting_job_print_the_reason(
    world: World, command: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """On stderr, so that stdout stays the same."""
    world.stack.know(waiting("a.jpg", Reason.GATE_PAUSED))
    world.stack.table.gate = REFUSED
    result = world.run(*command, *options)
    assert result.exit_code == 0
    assert result.stderr == (
        "No photo is sent now: the gate was paused 0.0 s ago: the provider refused the API key: "
        "put a valid key into the secret, then run `cutout resume`.\n"
    )
    assert "No photo" not in result.stdout


@pytest.mark.parametrize("reason", [Reason.GATE_PAUSED, Reason.DAILY_CAP])
@pytest.mark.parametrize("command", [("ls",), ("where", "a.jpg"), ("show", "a.jpg")])
def test_a_reason_that_no_longer_applies_is_not_shown(
    world: World, command: tuple[str, ...], reason: Reason
) -> None:
    """The job has not been advanced since."""
    world.stack.know(waiting("a.jpg", reason))
    assert world.run(*command).stderr == ""


def test_the_gate_is_not_read_for_other_jobs(world: World) -> None:
    """A free slot comes by itself."""
    world.stack.know(waiting("a.jpg", Reason.GATE_FULL), make_job("b.jpg"))
    world.stack.table.gate = REFUSED
    assert world.run("ls").stderr == ""
