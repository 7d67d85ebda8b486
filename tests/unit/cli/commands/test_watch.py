"""`cutout watch`: the figures of a running stack."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from cutout.cli.output.stack_metrics import REQUESTS, StackMetrics, metrics_in_words
from cutout.domain.gate.gate import DEFAULT_LIMITS
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.states import State
from cutout.ports.jobs_table import MOST_COUNTED, BacklogStatus
from tests.support.builders import a_shard, new_gate
from tests.support.cli.clock import NOON, HandClock
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World

MINUTE = timedelta(minutes=1)


def _numbers(**facts: object) -> StackMetrics:
    usual: dict[str, object] = {
        "at": NOON,
        "gate": new_gate(deployed=DEFAULT_LIMITS),
        "backlog": BacklogStatus(waiting=0, waiting_since=None),
        "now": {},
        "lately": {},
    }
    return StackMetrics(**(usual | facts))  # type: ignore[arg-type] # fields of it


def test_once_prints_all_figures(world: World) -> None:
    """The gate, waiting jobs, running tasks, settled jobs and their speed."""
    world.stack.know(*[make_job(f"{n}.jpg", state=State.COMPLETED) for n in range(10)])
    world.stack.know(make_job("p.jpg", state=State.PROCESSING))
    world.stack.table.status = BacklogStatus(waiting=4, waiting_since=NOON - 3 * MINUTE)
    world.stack.table.shards[0] = a_shard(1, at=NOON - MINUTE)
    told = world.run("watch", "--once")
    assert told.exit_code == 0
    lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
    assert lines == [
        "Cutout on a made-up stack · 12:00:00 UTC",
        "gate 1 of 3 tasks in flight, 0 of 5000 credits today (as deployed)",
        "pause none",
        "waiting 4 at the gate, the oldest for 3 min; the oldest request was sent 1 min ago",
        "now 1 processing",
        "5 min 10 completed; 2.0 photos a minute",
    ]


def test_a_pause_is_shown_with_advice() -> None:
    """At the top."""
    gate = new_gate(deployed=DEFAULT_LIMITS).pausing(PauseReason.KEY_REFUSED, NOON - MINUTE, None)
    assert "paused 1 min ago" in metrics_in_words(_numbers(gate=gate))["pause"]


def test_a_limited_count_is_shown_as_such() -> None:
    """At most a thousand of each state are counted, which bounds the cost."""
    words = metrics_in_words(_numbers(now={State.QUEUED: MOST_COUNTED}))
    assert words["now"] == "1000 or more queued"


def test_json_has_the_figures_and_the_number_of_requests(world: World) -> None:
    """One object, one measurement."""
    told = json.loads(world.run("watch", "--json").stdout)
    assert (told["requests"], told["counted_at_most"]) == (REQUESTS, 1000) == (16, 1000)
    assert told["states"] == dict.fromkeys(
        ("queued", "submitting", "unconfirmed", "processing", "storing"), 0
    )
    assert (told["oldest_waiting_seconds"], told["completed_per_minute"]) == (None, 0)


def test_without_a_terminal_each_measurement_is_a_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until Ctrl-C, which is no failure and prints no traceback."""

    class Impatient(HandClock):
        """A clock during whose third sleep Ctrl-C is pressed."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.elapsed > 2.5 * seconds:
                raise KeyboardInterrupt

    monkeypatch.setattr(world.stack, "clock", Impatient())
    told = world.run("watch", "--every", "60")
    assert told.exit_code == 0
    assert [line[:8] for line in told.stdout.splitlines()] == ["12:00:00", "12:01:00", "12:02:00"]
    assert "Traceback" not in told.output
