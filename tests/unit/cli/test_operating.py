from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.domain.gate import Gate, Limits, PauseReason
from cutout.domain.states import Reason, State
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Commands in a made-up world."""
    return World(folder=tmp_path)


def _set_gate(world: World, gate: Gate) -> None:
    world.stack.jobs.write_gate(gate)


def test_pause_lets_nobody_in_until_resume(world: World) -> None:
    """A person's pause has no end of its own."""
    paused = world.run("pause", "--json")
    assert paused.exit_code == 0
    assert json.loads(paused.stdout)["pause"]["reason"] == "operator"
    assert json.loads(paused.stdout)["pause"]["until"] is None
    resumed = world.run("resume", "--json")
    assert resumed.exit_code == 0
    assert json.loads(resumed.stdout)["pause"] is None


def test_resume_ends_a_pause_of_the_providers_too(world: World) -> None:
    """After a new key is in place, a person's word opens the gate, and who waits is woken."""
    now = world.stack.clock.now()
    _set_gate(world, Gate().pausing(PauseReason.KEY_REFUSED, now, None))
    waiting = replace(make_job("a.jpg", state=State.QUEUED), is_waiting=True, due_at=None)
    world.stack.known = [waiting]
    assert world.run("resume").exit_code == 0
    assert world.stack.gate().pause is None
    assert world.stack.submissions.job_ids == [waiting.id]


@pytest.mark.parametrize("reason", PauseReason)
def test_a_closed_gate_says_why_and_what_to_do(world: World, reason: PauseReason) -> None:
    """Whoever looks at the limits sees the pause."""
    now = world.stack.clock.now()
    _set_gate(world, Gate().pausing(reason, now, now + timedelta(minutes=15)))
    told = world.run("limits")
    assert told.exit_code == 0
    assert "paused" in told.stdout
    assert "for another 15 min" in told.stdout


@pytest.mark.parametrize(
    ("price", "cap", "told"),
    [
        ("5.4", "5.4", None),
        ("9999", "5000", "9999 credits for one photo, more than the cap: one photo a day is sent"),
        ("5.4", "5", "5.4 credits for one photo, more than the cap: nothing is sent until"),
    ],
)
def test_a_price_above_the_cap_is_not_kept_quiet(
    world: World, price: str, cap: str, told: str | None
) -> None:
    """It keeps photos out although nothing is spent: who looks at the limits learns why."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(cap))
    _set_gate(world, Gate(price=Decimal(price), limits=limits))
    said = " ".join(world.run("limits").stdout.split())
    assert (told is None) == ("for one photo" not in said)
    assert told is None or told in said
    assert json.loads(world.run("limits", "--json").stdout)["credits_a_photo"] == float(price)


def test_limits_are_changed_one_by_one_and_given_back(world: World) -> None:
    """What is not said stays; --deployed goes back."""
    first = json.loads(world.run("limits", "--max-in-flight", "20", "--json").stdout)
    assert (first["max_in_flight"], first["daily_credit_cap"]) == (20, 5000)
    second = json.loads(world.run("limits", "--daily-credit-cap", "100.5", "--json").stdout)
    assert (second["max_in_flight"], second["daily_credit_cap"]) == (20, 100.5)
    assert second["limits_are_deployed"] is False
    third = json.loads(world.run("limits", "--deployed", "--json").stdout)
    assert (third["max_in_flight"], third["limits_are_deployed"]) == (3, True)


@pytest.mark.parametrize(
    "arguments",
    [("--max-in-flight", "0"), ("--max-in-flight", "many"), ("--deployed", "--max-in-flight", "3")],
)
def test_limits_that_make_no_sense_are_refused(world: World, arguments: tuple[str, ...]) -> None:
    """Before anything is changed."""
    assert world.run("limits", *arguments).exit_code == 2
    assert world.stack.gate() == Gate()


@pytest.mark.parametrize("state", [State.FAILED, State.REJECTED, State.REVIEW])
def test_retry_queues_a_photo_again(world: World, state: State) -> None:
    """A new attempt, by a person's word."""
    job = make_job("shoes/a.jpg", state=state)
    world.stack.known = [job]
    told = world.run("retry", "shoes/a.jpg", "--json")
    assert told.exit_code == 0
    assert [one["state"] for one in json.loads(told.stdout)] == ["queued"]
    saved = world.stack.jobs.jobs[job.id]
    assert (saved.state, saved.reason) == (State.QUEUED, Reason.RETRIED_BY_PERSON)
    assert world.stack.submissions.job_ids == [job.id]


@pytest.mark.parametrize("arguments", [[], ["--fresh"]])
def test_a_retry_may_be_fresh(world: World, arguments: list[str]) -> None:
    """Bought anew, whatever is kept of the same picture."""
    job = make_job("a.jpg", state=State.FAILED)
    world.stack.known = [job]
    world.run("retry", "a.jpg", *arguments)
    assert world.stack.jobs.jobs[job.id].bypass_cache is bool(arguments)


def test_retry_tries_nothing_when_it_is_only_asked_what_it_would_do(world: World) -> None:
    """It costs, so it can be rehearsed."""
    world.stack.known = [make_job("a.jpg", state=State.FAILED)]
    told = world.run("retry", "a.jpg", "--dry-run")
    assert told.exit_code == 0
    assert "1 would be retried" in told.stderr
    assert world.stack.submissions.job_ids == []


@pytest.mark.parametrize("state", [State.COMPLETED, State.PROCESSING, State.SUPERSEDED])
def test_retry_refuses_what_is_done_or_under_way(world: World, state: State) -> None:
    """It would be paid twice."""
    world.stack.known = [make_job("a.jpg", state=state)]
    told = world.run("retry", "a.jpg")
    assert told.exit_code == 1
    assert f"a.jpg is {state}" in told.stderr
    assert world.stack.submissions.job_ids == []


def test_of_several_photos_one_that_cannot_be_queued_stops_no_other(world: World) -> None:
    """A colleague was faster with one: the others are retried, and it is named."""
    world.stack.known = [
        make_job(key, state=State.FAILED, reason=Reason.TASK_FAILED) for key in ("b.jpg", "a.jpg")
    ]
    world.stack.operate().retry(world.stack.known[0])

    told = world.run("retry", "b.jpg", "a.jpg", "--yes", "--json")

    assert told.exit_code == 1
    assert [job["key"] for job in json.loads(told.stdout)] == ["a.jpg"]
    assert "b.jpg moved just now" in told.stderr


def test_retry_of_an_unknown_photo_says_so(world: World) -> None:
    """With where to look."""
    told = world.run("retry", "nobody.jpg")
    assert told.exit_code == 1
    assert "Nothing is known of nobody.jpg" in told.stderr
