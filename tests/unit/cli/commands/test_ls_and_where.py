"""`cutout ls` and `cutout where`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.cli.options.shared_options import Choice
from cutout.cli.output.problems import Problem
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World


def _know(world: World) -> None:
    world.stack.know(
        make_job("shoes/a.jpg", at=NOON - timedelta(minutes=3)),
        make_job("b.jpg", state=State.FAILED, reason=Reason.TASK_FAILED),
        make_job("c.txt.jpg", state=State.REJECTED, reason=Reason.NOT_A_PHOTO, credits_used="0"),
        make_job("shoes/d.jpg", at=NOON - timedelta(hours=1)),
    )


def test_ls_lists_the_latest_jobs_first(world: World) -> None:
    """A line each: key, state, time of the last change, cost, result or reason."""
    _know(world)

    result = world.run("ls")

    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows == [
        ["photo", "state", "changed", "credits", "result", "or", "reason"],
        ["b.jpg", "failed", "0.0", "s", "ago", "5.4", "task-failed"],
        ["c.txt.jpg", "rejected", "0.0", "s", "ago", "0", "not-a-photo"],
        ["shoes/a.jpg", "completed", "3", "min", "ago", "5.4", "shoes/a.png"],
        ["shoes/d.jpg", "completed", "60", "min", "ago", "5.4", "shoes/d.png"],
    ]


def test_ls_filters_by_states_and_prefix(world: World) -> None:
    """Several states may be named, with a prefix."""
    _know(world)

    result = world.run(
        "ls", "--state", "completed", "--state", "failed", "--prefix", "shoes/", "--json"
    )

    assert [job["key"] for job in json.loads(result.stdout)] == ["shoes/a.jpg", "shoes/d.jpg"]


def test_ls_finds_a_prefix_after_many_other_keys(world: World) -> None:
    """Prefixes are not indexed: all jobs are scanned."""
    world.stack.know(*[make_job(f"other/{number}.jpg") for number in range(1200)])
    world.stack.know(make_job("mine/a.jpg", at=NOON - timedelta(days=1)))

    result = world.run("ls", "--prefix", "mine/", "--json")

    assert [job["key"] for job in json.loads(result.stdout)] == ["mine/a.jpg"]


def test_jobs_of_one_key_are_listed_with_time_and_id(world: World) -> None:
    """`cutout show` takes the id; other jobs are listed by their keys."""
    older = make_job("a.jpg", at=NOON - timedelta(hours=26))
    world.stack.know(
        make_job("a.jpg"),
        replace(older, id="0" * 32, created_at=older.created_at),
        make_job("b.jpg"),
    )
    rows = world.run("ls").stdout.splitlines()[1:]
    assert sorted(row.partition("  ")[0] for row in rows) == [
        "a.jpg (uploaded 11-21 10:00:00, job 00000000000000000000000000000000)",
        "a.jpg (uploaded 11-22 12:00:00, job job-of-a.jpg)",
        "b.jpg",
    ]


def test_ls_stops_at_its_limit_and_prints_that_there_are_more(world: World) -> None:
    """So that the list does not look complete."""
    _know(world)

    result = world.run("ls", "--limit", "1", "--json")

    assert [job["key"] for job in json.loads(result.stdout)] == ["b.jpg"]
    assert "There are more" not in result.stdout
    assert "There are more jobs than shown" in world.run("ls", "--limit", "1").stderr


def test_ls_without_matching_jobs_is_no_failure(world: World) -> None:
    """Standard output stays empty, and JSON is an empty list."""
    result = world.run("ls")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No such jobs on a made-up stack." in result.stderr
    assert json.loads(world.run("ls", "--json").stdout) == []


def test_ls_refuses_an_unknown_state(world: World) -> None:
    """A usage error has the status 2."""
    result = world.run("ls", "--state", "lost")
    assert result.exit_code == 2
    assert "'lost' is not one of" in result.stderr


def test_where_prints_one_line(world: World) -> None:
    """For any state."""
    _know(world)

    result = world.run("where", "b.jpg")

    assert result.exit_code == 0
    assert result.stdout == (
        "b.jpg: failed because of task-failed · 1 attempt · 5.4 credits · took 4.0 s, 0.0 s ago"
        " · next: final, unless you run `cutout retry`\n"
    )


def test_where_prints_one_object_as_json(world: World) -> None:
    """With the fixed names."""
    _know(world)
    told = json.loads(world.run("where", "shoes/a.jpg", "--json").stdout)
    assert told["key"] == "shoes/a.jpg"
    assert {"state", "reason", "attempts", "credits", "result", "next"} <= told.keys()


def test_where_accepts_an_s3_url_of_the_uploads_bucket(world: World) -> None:
    """As it is copied from elsewhere."""
    _know(world)
    assert world.run("where", "s3://the-uploads/b.jpg").exit_code == 0


def test_where_refuses_an_s3_url_of_another_bucket(world: World) -> None:
    """The same key there is another photo."""
    result = world.run("where", "s3://elsewhere/b.jpg")
    assert result.exit_code == 1
    assert "elsewhere is not the uploads bucket" in result.stderr


def test_where_accepts_the_id_of_a_job(world: World) -> None:
    """As in logs and events, also for an older upload."""
    job = replace(make_job("b.jpg", state=State.REVIEW), id="0123456789abcdef" * 2)
    world.stack.know(make_job("b.jpg"), job)
    assert "b.jpg: review" in world.run("where", job.id).stdout


def test_where_fails_for_an_unknown_key(world: World) -> None:
    """With advice."""
    result = world.run("where", "x.jpg")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: There is no job of x.jpg on a made-up stack.\n"
        "`cutout ls` lists the jobs; `cutout put` uploads photos.\n"
    )


def test_options_choose_the_stack(world: World) -> None:
    """They are passed on unchanged."""
    world.run("ls", "--stack", "S", "--aws", "--profile", "p", "--region", "r")
    world.run("where", "x")
    assert world.choices == [
        Choice(stack="S", aws=True, profile="p", region="r"),
        Choice(),
    ]


def test_a_stack_that_cannot_be_reached_is_one_clear_error(world: World) -> None:
    """No command shows a traceback for it."""
    world.refuses = Problem("There is no stack Cutout on AWS.", advice="Deploy it.")
    for arguments in (["ls"], ["where", "x"], ["put", world.photo("a.jpg")]):
        result = world.run(*arguments)
        assert result.exit_code == 1
        assert "Error: There is no stack Cutout on AWS.\nDeploy it.\n" in result.stderr


_ODD = "shop/:cat:[red]\x1b[2J\x1b]0;title\x07\r\u202egpj.\n2.jpg"
"""Clears the screen, sets the title, overwrites its line, turns it round, begins another."""


@pytest.mark.parametrize(
    "command", [["ls"], ["where", _ODD], ["show", _ODD], ["retry", _ODD, "--yes"]]
)
def test_a_key_cannot_control_the_terminal(world: World, command: list[str]) -> None:
    """Uploaders choose keys: each is printed on one line."""
    odd = make_job(_ODD, state=State.REJECTED, reason=Reason.NOT_A_PHOTO)
    world.stack.know(replace(odd, id="0" * 32, message="\x1b[2J said"))

    result = world.run(*command)

    told = result.stdout + result.stderr
    assert all(character.isprintable() for character in told.replace("\n", ""))
    [line] = [line for line in told.splitlines() if "shop/" in line]
    assert r"shop/:cat:[red]\x1b[2J\x1b]0;title\x07\r\u202egpj.\n2.jpg" in line


def test_json_has_the_unchanged_key(world: World) -> None:
    """JSON has its own escapes."""
    world.stack.know(make_job(_ODD))
    [told] = json.loads(world.run("ls", "--json").stdout)
    assert told["key"] == _ODD
