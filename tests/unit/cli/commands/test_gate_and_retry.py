from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.cli import compose
from cutout.domain.gate.gate import Gate, Limits, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Commands in a made-up world."""
    return World(folder=tmp_path)


def _set_gate(world: World, gate: Gate) -> None:
    world.stack.table.write_gate(gate)


def test_pause_holds_until_resume(world: World) -> None:
    """It has no end of its own."""
    paused = world.run("pause", "--json")
    assert paused.exit_code == 0
    assert json.loads(paused.stdout)["pause"]["reason"] == "operator"
    assert json.loads(paused.stdout)["pause"]["until"] is None
    resumed = world.run("resume", "--json")
    assert resumed.exit_code == 0
    assert json.loads(resumed.stdout)["pause"] is None


def test_resume_ends_a_pause_of_the_providers_too(world: World) -> None:
    """It opens the gate, for example after a new key, and enqueues waiting jobs."""
    now = world.stack.clock.now()
    _set_gate(world, Gate().pausing(PauseReason.KEY_REFUSED, now, None))
    waiting = replace(make_job("a.jpg", state=State.QUEUED), is_waiting=True, due_at=None)
    world.stack.know(waiting)
    assert world.run("resume").exit_code == 0
    assert world.stack.table.read_gate().pause is None
    assert world.stack.submissions.job_ids == [waiting.id]


@pytest.mark.parametrize("reason", PauseReason)
def test_a_paused_gate_shows_the_reason_and_what_to_do(world: World, reason: PauseReason) -> None:
    """`cutout limits` shows the pause."""
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
        (
            "9999",
            "5000",
            "9999 credits for one photo, which is above the daily cap: one photo a day is sent",
        ),
        (
            "5.4",
            "5",
            "5.4 credits for one photo, which is above the daily cap: no photo is sent until",
        ),
    ],
)
def test_a_price_above_the_cap_is_shown(
    world: World, price: str, cap: str, told: str | None
) -> None:
    """It holds photos back although no credit is spent."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(cap))
    _set_gate(world, Gate(price=Decimal(price), limits=limits))
    said = " ".join(world.run("limits").stdout.split())
    assert (told is None) == ("for one photo" not in said)
    assert told is None or told in said
    assert json.loads(world.run("limits", "--json").stdout)["credits_a_photo"] == float(price)


def test_limits_are_changed_one_by_one_and_given_back(world: World) -> None:
    """Other limits stay; --deployed restores them."""
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
    assert world.stack.table.read_gate() == Gate()


@pytest.mark.parametrize("state", [State.FAILED, State.REJECTED, State.REVIEW])
def test_retry_queues_a_photo_again(world: World, state: State) -> None:
    """It gets a new attempt."""
    job = make_job("shoes/a.jpg", state=state)
    world.stack.know(job)
    told = world.run("retry", "shoes/a.jpg", "--yes", "--json")
    assert told.exit_code == 0
    assert [one["state"] for one in json.loads(told.stdout)] == ["queued"]
    saved = world.stack.table.jobs[job.id]
    assert (saved.state, saved.reason) == (State.QUEUED, Reason.RETRIED_BY_PERSON)
    assert world.stack.submissions.job_ids == [job.id]


@pytest.mark.parametrize(
    ("typed", "options", "status", "queued"),
    [
        (None, [], 1, []),
        ("n\n", [], 1, []),
        ("y\n", [], 0, ["job-of-a.jpg"]),
        (None, ["--yes"], 0, ["job-of-a.jpg"]),
    ],
)
def test_a_retry_of_one_photo_shows_the_price_and_asks(
    world: World, typed: str | None, options: list[str], status: int, queued: list[str]
) -> None:
    """On a terminal; elsewhere it needs `--yes`."""
    world.stack.know(make_job("a.jpg", state=State.FAILED))
    told = world.run("retry", "a.jpg", *options, typed=typed)
    assert told.exit_code == status
    assert "1 photo: at most 5.4 credits, about $0.08" in told.stderr
    assert world.stack.submissions.job_ids == queued


def test_a_photo_whose_content_was_refused_is_not_retried(world: World) -> None:
    """The provider would refuse it again, and may charge for it; a person may insist."""
    refused = make_job("a.jpg", state=State.FAILED, code="content_policy_violation")
    world.stack.know(refused)
    told = world.run("retry", "a.jpg", "--yes")
    assert told.exit_code == 1
    assert "refused what a.jpg shows (content_policy_violation)" in told.stderr
    assert world.stack.submissions.job_ids == []
    assert world.run("retry", "a.jpg", "--yes", "--include-refused").exit_code == 0
    assert world.stack.submissions.job_ids == [refused.id]


@pytest.mark.parametrize("arguments", [[], ["--fresh"]])
def test_a_retry_may_be_fresh(world: World, arguments: list[str]) -> None:
    """Paid for again, even if a result is cached."""
    job = make_job("a.jpg", state=State.FAILED)
    world.stack.know(job)
    world.run("retry", "a.jpg", "--yes", *arguments)
    assert world.stack.table.jobs[job.id].bypass_cache is bool(arguments)


def test_a_dry_run_of_retry_retries_nothing(world: World) -> None:
    """It shows the cost."""
    world.stack.know(make_job("a.jpg", state=State.FAILED))
    told = world.run("retry", "a.jpg", "--dry-run")
    assert told.exit_code == 0
    assert "1 would be retried" in told.stderr
    assert world.stack.submissions.job_ids == []


@pytest.mark.parametrize("state", [State.COMPLETED, State.PROCESSING, State.SUPERSEDED])
def test_retry_refuses_jobs_that_are_completed_or_in_progress(world: World, state: State) -> None:
    """It would be paid twice."""
    world.stack.know(make_job("a.jpg", state=state))
    told = world.run("retry", "a.jpg")
    assert told.exit_code == 1
    assert f"a.jpg is {state}" in told.stderr
    assert world.stack.submissions.job_ids == []


def test_of_several_photos_one_that_cannot_be_queued_stops_no_other(world: World) -> None:
    """If a colleague retries one first, the others are retried, and that one is named."""
    jobs = [
        make_job(key, state=State.FAILED, reason=Reason.TASK_FAILED) for key in ("b.jpg", "a.jpg")
    ]
    world.stack.know(*jobs)
    read = world.stack.table.of_source

    def colleague(bucket: str, key: str, limit: int) -> list[Job]:
        found = read(bucket, key, limit)
        if found == [jobs[0]]:
            compose.control(world.stack).retry(jobs[0])
        return found

    world.stack.table.of_source = colleague  # type: ignore[method-assign] # is faster

    told = world.run("retry", "b.jpg", "a.jpg", "--yes", "--json")

    assert told.exit_code == 1
    assert [job["key"] for job in json.loads(told.stdout)] == ["a.jpg"]
    assert "b.jpg changed at the same time" in told.stderr


def test_retry_of_an_unknown_photo_says_so(world: World) -> None:
    """With where to look."""
    told = world.run("retry", "nobody.jpg")
    assert told.exit_code == 1
    assert "There is no job of nobody.jpg" in told.stderr
