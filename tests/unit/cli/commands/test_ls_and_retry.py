"""Commands about many jobs: `ls` in pages, `retry` of many."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State, Transport
from tests.support.builders import new_gate
from tests.support.cli.clock import NOON
from tests.support.cli.interrupting import interrupted_once_b_is_done
from tests.support.cli.jobs import failed, make_job
from tests.support.cli.world import World


def know(world: World, *jobs: Job) -> None:
    """Add jobs to the table."""
    world.stack.know(*jobs)


def keys(text: str) -> list[str]:
    """The keys of jobs in JSON."""
    return [job["key"] for job in json.loads(text)]


def test_ls_continues_after_the_previous_page(world: World) -> None:
    """The end of a page shows the option for the next."""
    know(world, *(failed(f"{number}.jpg", hours_ago=number) for number in range(5)))
    first = world.run("ls", "--limit", "2")
    assert [line.split()[0] for line in first.stdout.splitlines()[1:]] == ["0.jpg", "1.jpg"]
    place = first.stderr.strip().rpartition(" ")[2]
    second = world.run("ls", "--limit", "2", "--after", place, "--json")
    assert keys(second.stdout) == ["2.jpg", "3.jpg"]
    last = world.run("ls", "--after", second.stderr.strip().rpartition(" ")[2], "--json")
    assert (keys(last.stdout), last.stderr) == (["4.jpg"], "")


def test_ls_prints_all_jobs_with_an_option(world: World) -> None:
    """However many there are."""
    know(world, *(failed(f"{number}.jpg") for number in range(700)))
    told = world.run("ls", "--all", "--json")
    assert (len(keys(told.stdout)), told.stderr) == (700, "")
    lines = world.run("ls", "--all").stdout.splitlines()
    assert len(lines) == 701
    assert [line for line in lines if line.startswith("photo ")] == [lines[0]]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--reason", "task-lost"), ["b.jpg"]),
        (("--reason", "task-lost", "--reason", "task-failed"), ["a.jpg", "b.jpg", "c.jpg"]),
        (("--since", "2h"), ["a.jpg"]),
        (("--until", "4h"), ["c.jpg"]),
        (("--since", "4h", "--until", "1h"), ["b.jpg"]),
        (("--since", "2026-11-22"), ["a.jpg", "b.jpg"]),
        (("--until", "2026-11-21"), ["c.jpg"]),
        (("--since", "2026-11-22T10:00+01:00"), ["a.jpg", "b.jpg"]),
        (("--since", "2026-11-22T11:00Z"), ["a.jpg"]),
    ],
)
def test_ls_filters_by_reason_and_time(
    world: World, options: tuple[str, ...], found: list[str]
) -> None:
    """A duration, a whole day in UTC, or a time."""
    know(
        world,
        failed("a.jpg"),
        failed("b.jpg", Reason.TASK_LOST, hours_ago=3),
        failed("c.jpg", hours_ago=20),
    )
    assert keys(world.run("ls", *options, "--json").stdout) == found


@pytest.mark.parametrize(
    "options",
    [("--since", "soon"), ("--until", "2x"), ("--after", "here"), ("--reason", "bad-luck")],
)
def test_ls_refuses_invalid_options(world: World, options: tuple[str, ...]) -> None:
    """With the exit status of a usage error."""
    assert world.run("ls", *options).exit_code == 2


def test_ls_prints_how_many_jobs_it_scanned(world: World) -> None:
    """Prefixes are not indexed."""
    know(world, failed("a.jpg"), failed("x/b.jpg"))
    assert "Scanned 2 jobs" in world.run("ls", "--prefix", "x/").stderr
    assert world.run("ls", "--state", "failed").stderr == ""


def test_retry_of_a_reason_shows_the_cost_first(world: World) -> None:
    """It requires `--yes`. Retried jobs wait behind live uploads, and no message is sent."""
    lost = failed("b.jpg", Reason.TASK_LOST)
    know(world, failed("a.jpg"), lost, failed("c.jpg"), make_job("d.jpg"))
    asked = world.run("retry", "--reason", "task-failed")
    assert asked.exit_code == 1
    assert "2 failed because of task-failed" in asked.stdout
    assert "10.8 credits, about $0.16" in asked.stdout
    assert "Nothing was retried. Add `--yes` to retry." in asked.stderr
    plan = world.run("retry", "--reason", "task-failed", "--json")
    assert plan.exit_code == 1
    assert (json.loads(plan.stdout)["photos"], json.loads(plan.stdout)["queued"]) == (2, 0)
    named = world.run("retry", "a.jpg", "c.jpg", "--json")
    assert (named.exit_code, json.loads(named.stdout)["credits"]) == (1, 10.8)
    assert world.stack.submissions.job_ids == []
    done = world.run("retry", "--reason", "task-failed", "--yes", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["photos"], told["queued"], told["credits"]) == (2, 2, 10.8)
    rows = world.stack.table.jobs
    again = [rows["job-of-a.jpg"], rows["job-of-c.jpg"]]
    assert {(job.state, job.reason, job.lane) for job in again} == {
        (State.QUEUED, Reason.RETRIED_BY_PERSON, Lane.BACKFILL)
    }
    assert all(job.is_waiting and job.due_at is None for job in again)
    assert rows[lost.id].state is State.FAILED
    assert sorted(world.stack.submissions.job_ids) == ["job-of-a.jpg", "job-of-c.jpg"]


def test_retry_of_many_enqueues_nothing_while_the_gate_is_paused(world: World) -> None:
    """They wait like all others."""
    know(world, failed("a.jpg"))
    world.stack.table.gate = new_gate().pausing(PauseReason.OPERATOR, NOON, None)
    assert world.run("retry", "--state", "failed", "--yes").exit_code == 0
    assert world.stack.submissions.job_ids == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--state", "rejected"), {"r.jpg": 1}),
        (("--prefix", "x/"), {"x/f.jpg": 1, "x/v.jpg": 1}),
        (("--prefix", "x/", "--state", "review"), {"x/v.jpg": 1}),
        (("--since", "1h"), {"r.jpg": 1, "x/v.jpg": 1}),
    ],
)
def test_retry_takes_the_jobs_that_its_options_select(
    world: World, options: tuple[str, ...], found: dict[str, int]
) -> None:
    """Of those that may be retried."""
    know(
        world,
        make_job("r.jpg", state=State.REJECTED),
        failed("x/f.jpg", hours_ago=2),
        make_job("x/v.jpg", state=State.REVIEW),
        make_job("x/done.jpg"),
    )
    assert world.run("retry", *options, "--yes").exit_code == 0
    queued = [job for job in world.stack.table.jobs.values() if job.state is State.QUEUED]
    assert {job.source.key: 1 for job in queued} == found


def test_retry_of_many_has_a_dry_run(world: World) -> None:
    """For people and for programs."""
    know(world, failed("a.jpg"), failed("b.jpg"))
    told = world.run("retry", "--state", "failed", "--dry-run", "--yes", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["counts"] == {"failed because of task-failed": 2}
    assert world.stack.table.jobs["job-of-a.jpg"].state is State.FAILED


def test_retry_of_many_skips_photos_refused_for_their_content(world: World) -> None:
    """They would be refused again, and charged for again."""
    refused = replace(failed("r.jpg"), code="content_policy_violation")
    know(world, failed("a.jpg"), failed("b.jpg"), refused)
    plan = world.run("retry", "--state", "failed")
    assert "2 failed because of task-failed" in plan.stdout
    assert "10.8 credits" in plan.stdout
    assert "1 photo left out, as the provider refused the content" in plan.stderr
    done = json.loads(world.run("retry", "--state", "failed", "--yes", "--json").stdout)
    assert (done["queued"], done["refused_left_out"]) == (2, 1)
    assert world.stack.table.jobs[refused.id].state is State.FAILED
    told = world.run("retry", "--state", "failed", "--include-refused", "--json", "--yes")
    assert json.loads(told.stdout)["queued"] == 1


def test_retry_of_one_selected_photo_requires_yes(world: World) -> None:
    """Its price may surprise, too."""
    know(world, failed("a.jpg"))
    assert world.run("retry", "--state", "failed").exit_code == 1
    assert world.stack.submissions.job_ids == []


def test_retry_of_nothing_is_no_failure(world: World) -> None:
    """Nothing is paid."""
    told = world.run("retry", "--reason", "task-lost")
    assert (told.exit_code, "No photo matches." in told.stderr) == (0, True)


def test_retry_of_several_keys_requires_yes(world: World) -> None:
    """Or a dry run; if one of them cannot be retried, none is."""
    know(world, failed("a.jpg"), failed("b.jpg"), make_job("done.jpg"))
    asked = world.run("retry", "a.jpg", "b.jpg")
    assert (asked.exit_code, "10.8 credits" in asked.stderr) == (1, True)
    refused = world.run("retry", "a.jpg", "done.jpg", "--yes")
    assert (refused.exit_code, "done.jpg is completed" in refused.stderr) == (1, True)
    assert world.stack.submissions.job_ids == []
    assert world.run("retry", "a.jpg", "b.jpg", "--yes").exit_code == 0
    assert world.stack.submissions.job_ids == ["job-of-a.jpg", "job-of-b.jpg"]


@pytest.mark.parametrize("which", [("a.jpg", "--yes"), ("--state", "failed", "--yes")])
def test_retry_can_use_the_files_api(world: World, which: tuple[str]) -> None:
    """If links cannot be read."""
    know(world, failed("a.jpg"))
    assert world.run("retry", *which, "--through-files").exit_code == 0
    assert world.stack.table.jobs["job-of-a.jpg"].transport is Transport.FILES


@pytest.mark.parametrize("arguments", [(), ("a.jpg", "--reason", "task-failed")])
def test_retry_requires_keys_or_a_filter(world: World, arguments: tuple[str, ...]) -> None:
    """Not both, and never all jobs."""
    assert world.run("retry", *arguments).exit_code == 2


def test_an_interrupted_retry_counts_the_retries_that_were_running(world: World) -> None:
    """Several run at the same time, and all that ended are counted."""
    know(world, failed("a.jpg"), failed("b.jpg"))
    world.stack.table.save = interrupted_once_b_is_done(  # type: ignore[method-assign]
        world.stack.table.save, lambda job, *_: job.source.key
    )
    told = world.run("retry", "--state", "failed", "--yes")
    assert told.exit_code != 0
    assert "Interrupted: 1 photo queued. Run it again for the others." in told.stderr
