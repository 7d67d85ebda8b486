from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.cli import compose
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.builders import new_gate
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Commands in a fake world."""
    return World(folder=tmp_path)


def _set_gate(world: World, gate: Gate) -> None:
    world.stack.table.write_gate(gate)


def test_pause_holds_until_resume(world: World) -> None:
    """It has no end."""
    paused = world.run("pause", "--json")
    assert paused.exit_code == 0
    assert json.loads(paused.stdout)["pause"]["reason"] == "operator"
    assert json.loads(paused.stdout)["pause"]["until"] is None
    assert "The gate is open." in world.run("resume").stderr
    resumed = world.run("resume", "--json")
    assert resumed.exit_code == 0
    assert json.loads(resumed.stdout)["pause"] is None


def test_resume_ends_a_pause_caused_by_the_provider(world: World) -> None:
    """For example after a new API key; waiting jobs are enqueued."""
    now = world.stack.clock.now()
    _set_gate(world, new_gate().pausing(PauseReason.KEY_REFUSED, now, None))
    waiting = replace(make_job("a.jpg", state=State.QUEUED), is_waiting=True, due_at=None)
    world.stack.know(waiting)
    assert world.run("resume").exit_code == 0
    assert world.stack.table.read_gate().pause is None
    assert world.stack.submissions.job_ids == [waiting.id]


@pytest.mark.parametrize("reason", PauseReason)
def test_limits_shows_the_reason_of_a_pause_and_its_end(world: World, reason: PauseReason) -> None:
    """For each reason."""
    now = world.stack.clock.now()
    _set_gate(world, new_gate().pausing(reason, now, now + timedelta(minutes=15)))
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
    """It blocks jobs although no credit is spent."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(cap))
    _set_gate(world, new_gate(price=Decimal(price), limits=limits))
    said = " ".join(world.run("limits").stdout.split())
    assert (told is None) == ("for one photo" not in said)
    assert told is None or told in said
    assert json.loads(world.run("limits", "--json").stdout)["credits_a_photo"] == float(price)


def test_limits_are_changed_one_by_one_and_restored(world: World) -> None:
    """Other limits stay; `--deployed` restores them."""
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
def test_invalid_limits_are_refused(world: World, arguments: tuple[str, ...]) -> None:
    """Before anything is changed."""
    assert world.run("limits", *arguments).exit_code == 2
    assert world.stack.table.read_gate() == new_gate()


@pytest.mark.parametrize("state", [State.FAILED, State.REJECTED, State.REVIEW])
def test_retry_queues_a_photo_again(world: World, state: State) -> None:
    """With a new attempt."""
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
    """On a terminal; otherwise it requires `--yes`."""
    world.stack.know(make_job("a.jpg", state=State.FAILED))
    told = world.run("retry", "a.jpg", *options, typed=typed)
    assert told.exit_code == status
    assert "1 photo: at most 5.4 credits, about $0.08" in told.stderr
    assert world.stack.submissions.job_ids == queued


def test_a_photo_refused_for_its_content_is_not_retried(world: World) -> None:
    """The provider would refuse it again, and may charge for it; an option overrides that."""
    refused = make_job("a.jpg", state=State.FAILED, code="content_policy_violation")
    world.stack.know(refused)
    told = world.run("retry", "a.jpg", "--yes")
    assert told.exit_code == 1
    assert "refused what a.jpg shows (content_policy_violation)" in told.stderr
    assert "`cutout retry --include-refused a.jpg` retries all the same." in told.stderr
    assert world.stack.submissions.job_ids == []
    assert world.run("retry", "a.jpg", "--yes", "--include-refused").exit_code == 0
    assert world.stack.submissions.job_ids == [refused.id]


@pytest.mark.parametrize("arguments", [[], ["--fresh"]])
def test_a_retry_may_bypass_the_cache(world: World, arguments: list[str]) -> None:
    """It is paid for again, even if a result is cached."""
    job = make_job("a.jpg", state=State.FAILED)
    world.stack.know(job)
    world.run("retry", "a.jpg", "--yes", *arguments)
    assert world.stack.table.jobs[job.id].bypass_cache is bool(arguments)


def test_a_dry_run_of_retry_changes_nothing(world: World) -> None:
    """It shows the cost."""
    world.stack.know(make_job("a.jpg", state=State.FAILED))
    told = world.run("retry", "a.jpg", "--dry-run")
    assert told.exit_code == 0
    assert "1 would be retried" in told.stderr
    assert world.stack.submissions.job_ids == []


def test_a_photo_rejected_before_any_request_is_retried_with_a_warning(world: World) -> None:
    """The same file is rejected again, unless the stack has changed."""
    rejected = make_job("a.jpg", state=State.REJECTED, reason=Reason.NOT_A_PHOTO)
    world.stack.know(replace(rejected, attempts=()), make_job("b.jpg", state=State.FAILED))
    told = world.run("retry", "a.jpg", "b.jpg", "--dry-run")
    assert "a.jpg: it was rejected before any request. The same file is rejected" in told.stderr
    assert "b.jpg: it was rejected" not in told.stderr


@pytest.mark.parametrize("state", [State.COMPLETED, State.PROCESSING, State.SUPERSEDED])
def test_retry_refuses_completed_and_open_jobs(world: World, state: State) -> None:
    """They would be paid for twice."""
    world.stack.know(make_job("a.jpg", state=state))
    told = world.run("retry", "a.jpg")
    assert told.exit_code == 1
    assert f"a.jpg is {state}" in told.stderr
    assert world.stack.submissions.job_ids == []


def test_a_photo_that_cannot_be_queued_does_not_stop_the_others(world: World) -> None:
    """If another operator retries one first, it is named, and the others are retried."""
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


def test_retry_of_an_unknown_photo_is_an_error(world: World) -> None:
    """With advice."""
    told = world.run("retry", "nobody.jpg")
    assert told.exit_code == 1
    assert "There is no job of nobody.jpg" in told.stderr
