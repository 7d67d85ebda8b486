"""Commands that are about many photos: `ls` page by page, `retry` of many, `audit`, `backfill`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from cutout.gate import Gate, Limits, PauseReason
from cutout.job import Job
from cutout.ports.table import Head
from cutout.states import Lane, Reason, State, Transport
from tests.unit.cli.clock import NOON
from tests.unit.cli.jobs import RESULTS, UPLOADS, make_job
from tests.unit.cli.world import World

HOUR = timedelta(hours=1)


def know(world: World, *jobs: Job) -> None:
    """Make jobs known."""
    world.stack.known = list(jobs)


def failed(key: str, reason: Reason = Reason.TASK_FAILED, hours_ago: int = 0) -> Job:
    """A photo that failed so long ago."""
    return make_job(key, state=State.FAILED, reason=reason, at=NOON - hours_ago * HOUR)


def keys(text: str) -> list[str]:
    """The keys of jobs in JSON."""
    return [job["key"] for job in json.loads(text)]


def test_ls_goes_on_where_the_page_before_ended(world: World) -> None:
    """The end of a page says how."""
    know(world, *(failed(f"{number}.jpg", hours_ago=number) for number in range(5)))
    first = world.run("ls", "--limit", "2")
    assert [line.split()[0] for line in first.stdout.splitlines()[1:]] == ["0.jpg", "1.jpg"]
    place = first.stderr.strip().rpartition(" ")[2]
    second = world.run("ls", "--limit", "2", "--after", place, "--json")
    assert keys(second.stdout) == ["2.jpg", "3.jpg"]
    last = world.run("ls", "--after", second.stderr.strip().rpartition(" ")[2], "--json")
    assert (keys(last.stdout), last.stderr) == (["4.jpg"], "")


def test_ls_prints_all_if_that_is_wanted(world: World) -> None:
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
    """So long ago, a day of UTC with all its hours, or a moment."""
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
def test_ls_refuses_what_it_does_not_understand(world: World, options: tuple[str, ...]) -> None:
    """With the status of a wrong command line."""
    assert world.run("ls", *options).exit_code == 2


def test_ls_says_when_it_looked_at_more_than_it_shows(world: World) -> None:
    """No index knows prefixes."""
    know(world, failed("a.jpg"), failed("x/b.jpg"))
    assert "Looked at 2 jobs" in world.run("ls", "--prefix", "x/").stderr
    assert world.run("ls", "--state", "failed").stderr == ""


def test_retry_takes_all_of_a_reason_and_says_first_what_they_cost(world: World) -> None:
    """Nothing is done without --yes; what is done stands behind live uploads, and sends nothing."""
    lost = failed("b.jpg", Reason.TASK_LOST)
    know(world, failed("a.jpg"), lost, failed("c.jpg"), make_job("d.jpg"))
    asked = world.run("retry", "--reason", "task-failed")
    assert asked.exit_code == 1
    assert "2 failed because of task-failed" in asked.stdout
    assert "10.8 credits, about $0.16" in asked.stdout
    assert "Nothing was done; `--yes` does it." in asked.stderr
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
    rows = world.stack.jobs.jobs
    again = [rows["job-of-a.jpg"], rows["job-of-c.jpg"]]
    assert {(job.state, job.reason, job.lane) for job in again} == {
        (State.QUEUED, Reason.RETRIED_BY_PERSON, Lane.BACKFILL)
    }
    assert all(job.is_waiting and job.due_at is None for job in again)
    assert rows[lost.id].state is State.FAILED
    assert sorted(world.stack.submissions.job_ids) == ["job-of-a.jpg", "job-of-c.jpg"]


def test_retry_of_many_wakes_nobody_while_the_gate_is_closed(world: World) -> None:
    """They wait like everybody else."""
    know(world, failed("a.jpg"))
    world.stack.jobs.gate = Gate().pausing(PauseReason.OPERATOR, NOON, None)
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
def test_retry_takes_what_its_options_choose(
    world: World, options: tuple[str, ...], found: dict[str, int]
) -> None:
    """Of what may be retried."""
    know(
        world,
        make_job("r.jpg", state=State.REJECTED),
        failed("x/f.jpg", hours_ago=2),
        make_job("x/v.jpg", state=State.REVIEW),
        make_job("x/done.jpg"),
    )
    assert world.run("retry", *options, "--yes").exit_code == 0
    queued = [job for job in world.stack.jobs.jobs.values() if job.state is State.QUEUED]
    assert {job.source.key: 1 for job in queued} == found


def test_retry_of_many_can_be_rehearsed(world: World) -> None:
    """For people and for programs."""
    know(world, failed("a.jpg"), failed("b.jpg"))
    told = world.run("retry", "--state", "failed", "--dry-run", "--yes", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["counts"] == {"failed because of task-failed": 2}
    assert world.stack.jobs.jobs["job-of-a.jpg"].state is State.FAILED


def test_retry_of_nothing_is_no_failure(world: World) -> None:
    """There is nothing to pay."""
    told = world.run("retry", "--reason", "task-lost")
    assert (told.exit_code, "0 would be retried" in told.stderr) == (0, True)


def test_retry_of_several_keys_wants_a_word_too(world: World) -> None:
    """Or a rehearsal; and none is retried if one cannot be."""
    know(world, failed("a.jpg"), failed("b.jpg"), make_job("done.jpg"))
    asked = world.run("retry", "a.jpg", "b.jpg")
    assert (asked.exit_code, "10.8 credits" in asked.stderr) == (1, True)
    refused = world.run("retry", "a.jpg", "done.jpg", "--yes")
    assert (refused.exit_code, "done.jpg is completed" in refused.stderr) == (1, True)
    assert world.stack.submissions.job_ids == []
    assert world.run("retry", "a.jpg", "b.jpg", "--yes").exit_code == 0
    assert world.stack.submissions.job_ids == ["job-of-a.jpg", "job-of-b.jpg"]


@pytest.mark.parametrize("which", [("a.jpg",), ("--state", "failed", "--yes")])
def test_retry_hands_photos_over_through_the_files_api(world: World, which: tuple[str]) -> None:
    """Where links cannot be read."""
    know(world, failed("a.jpg"))
    assert world.run("retry", *which, "--through-files").exit_code == 0
    assert world.stack.jobs.jobs["job-of-a.jpg"].transport is Transport.FILES


@pytest.mark.parametrize("arguments", [(), ("a.jpg", "--reason", "task-failed")])
def test_retry_wants_keys_or_a_choice(world: World, arguments: tuple[str, ...]) -> None:
    """Not both, and never simply everything."""
    assert world.run("retry", *arguments).exit_code == 2


def stored(world: World, job: Job) -> None:
    """An object of a job, and its cut-out if it has one."""
    bucket = world.stack.objects(UPLOADS)
    listed = bucket.add(job.source.key)
    source = listed.source(UPLOADS, "0A")
    job = replace(job, id=source.job_id, source=source)
    world.stack.known.append(job)
    world.stack.jobs.advance(Head(source_ref=source.ref, order=source.order, job_id=job.id))
    if job.result:
        world.stack.objects(RESULTS).add(job.result.key)


def test_audit_is_silent_where_all_is_well(world: World) -> None:
    """What failed has its reason; that is no gap."""
    stored(world, make_job("a.jpg"))
    stored(world, failed("b.jpg"))
    told = world.run("audit")
    assert told.exit_code == 0
    rows = [line.split() for line in told.stdout.splitlines()]
    assert rows == [
        ["found", "objects", "why"],
        ["done", "1"],
        ["failed", "1", "task-failed"],
    ]
    assert "2 objects in s3://the-uploads on a made-up stack" in told.stderr
    assert "requests: 1 BatchGetItem, 2 Query" in told.stderr


def test_audit_finds_what_has_no_job_and_what_has_no_cut_out(world: World) -> None:
    """And exits with 1."""
    stored(world, make_job("gone.jpg"))
    del world.stack.objects(RESULTS).objects["gone.png"]
    world.stack.objects(UPLOADS).add("lost.jpg")
    told = world.run("audit")
    assert told.exit_code == 1
    assert "missing: `cutout audit --fix` queues them, behind live uploads\n  lost.jpg\n" in (
        told.stdout
    )
    assert "  gone.jpg\n" in told.stdout
    data = json.loads(world.run("audit", "--json").stdout)
    assert {(one["key"], one["finding"]) for one in data["troubles"]} == {
        ("lost.jpg", "missing"),
        ("gone.jpg", "result-gone"),
    }
    assert data["objects"] == 2


def test_audit_queues_what_is_missing_once_one_says_so(world: World) -> None:
    """It costs, so it says first how much."""
    world.stack.objects(UPLOADS).add("lost.jpg")
    for options in (("--fix",), ("--fix", "--dry-run", "--yes")):
        asked = world.run("audit", *options)
        assert (asked.exit_code, "5.4 credits, about $0.08" in asked.stdout) == (1, True)
        assert world.stack.queued.queued == []
    told = world.run("audit", "--fix", "--yes", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["queued"] == 1
    ((source, lane),) = world.stack.queued.queued
    assert (source.key, lane) == ("lost.jpg", Lane.BACKFILL)


def test_audit_keeps_to_the_watched_prefix(world: World) -> None:
    """Nothing else is missed."""
    world.stack.watched = "in/"
    for key in ("in/a.jpg", "in/x/b.jpg", "out.jpg"):
        world.stack.objects(UPLOADS).add(key)
    assert json.loads(world.run("audit", "--json").stdout)["objects"] == 2
    assert json.loads(world.run("audit", "--prefix", "in/x/", "--json").stdout)["objects"] == 1
    refused = world.run("audit", "--prefix", "out")
    assert (refused.exit_code, "out is not watched" in refused.stderr) == (1, True)


@pytest.mark.parametrize("options", [("--yes",), ("--dry-run",)])
def test_audit_wants_to_know_what_to_do(world: World, options: tuple[str, ...]) -> None:
    """--yes alone fixes nothing."""
    assert world.run("audit", *options).exit_code == 2


def test_backfill_counts_first_and_queues_only_on_a_word(world: World) -> None:
    """Photos, why others are skipped, credits, money, time."""
    bucket = world.stack.objects(UPLOADS)
    for key in ("x/a.jpg", "x/b.jpg", "y/c.jpg"):
        bucket.add(key)
    bucket.add("x/", size=0)
    bucket.add("x/big.jpg", size=10_000_001)
    bucket.add("x/new.jpg", at=NOON)
    stored(world, make_job("x/done.jpg"))
    asked = world.run("backfill", "s3://the-uploads/x/")
    assert asked.exit_code == 1
    assert asked.stdout == (
        "s3://the-uploads/x/: 2 photos to queue\n"
        "      1 skipped: folder-marker\n"
        "      1 skipped: too-many-bytes\n"
        "      1 skipped: has a job: done\n"
        "      1 skipped: written just now: its event may be on its way\n"
        "10.8 credits, about $0.16 (1.47 cents each); done in about 2.0 s: 3 at once, 3.0 s each, "
        "as 1 recent photo took\n"
    )
    assert "Nothing was queued; `--yes` does it." in asked.stderr
    assert world.run("backfill", "s3://the-uploads/x/", "--dry-run", "--yes").exit_code == 0
    assert world.stack.queued.queued == []
    told = world.run("backfill", "s3://the-uploads/x/", "--yes", "--json")
    assert (told.exit_code, json.loads(told.stdout)["queued"]) == (0, 2)
    assert [source.key for source, _lane in world.stack.queued.queued] == ["x/a.jpg", "x/b.jpg"]


def test_backfill_stops_at_its_limit(world: World) -> None:
    """The next run takes the next."""
    for key in "abc":
        world.stack.objects(UPLOADS).add(f"{key}.jpg")
    told = world.run("backfill", "s3://the-uploads", "--limit", "2", "--yes", "--json")
    assert (json.loads(told.stdout)["photos"], json.loads(told.stdout)["queued"]) == (2, 2)


def test_backfill_says_what_the_cap_does(world: World) -> None:
    """So that nobody waits for today."""
    limits = Limits(max_in_flight=3, daily_credit_cap=make_job().credits * 2)
    world.stack.jobs.gate = Gate(limits=limits)
    for key in "abc":
        world.stack.objects(UPLOADS).add(f"{key}.jpg")
    told = world.run("backfill", "s3://the-uploads/", "--dry-run")
    assert "the daily cap of 10.8 credits lets 2 through today" in told.stdout
    assert "done in about 12 h" in told.stdout


def test_backfill_copies_from_another_bucket(world: World) -> None:
    """Under the same keys behind the watched prefix; again, only what is not there."""
    world.stack.watched = "in/"
    for key in ("a.jpg", "b.jpg"):
        world.stack.objects("old").add(key)
    told = world.run("backfill", "s3://old/", "--yes")
    assert (told.exit_code, "2 photos queued" in told.stderr) == (0, True)
    assert sorted(world.stack.objects(UPLOADS).objects) == ["in/a.jpg", "in/b.jpg"]
    again = world.run("backfill", "s3://old/", "--yes", "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["skipped"] == {"there-already": 2}


@pytest.mark.parametrize(("place", "status"), [("old/x", 2), ("s3://", 2), (f"s3://{RESULTS}/", 1)])
def test_backfill_refuses_what_is_no_place_for_photos(
    world: World, place: str, status: int
) -> None:
    """Our own output is none."""
    assert world.run("backfill", place, "--yes").exit_code == status


def test_backfill_that_breaks_off_says_how_far_it_came(world: World) -> None:
    """What is queued is passed over the next time."""
    for number in range(120):
        world.stack.objects(UPLOADS).add(f"{number}.jpg")
    queue = world.stack.queued.queue

    def interrupted(*arguments: object) -> None:
        if world.stack.queued.queued:
            raise KeyboardInterrupt
        queue(*arguments)  # type: ignore[arg-type]

    world.stack.queued.queue = interrupted  # type: ignore[method-assign,assignment]
    told = world.run("backfill", "s3://the-uploads/", "--yes")
    assert told.exit_code != 0
    assert "Broke off: 50 are queued. Run it again for the others." in told.stderr


def _interrupted_once_b_is_done(work: Callable[..., Any], key_of: Callable[..., str]) -> Any:
    b_is_done = Event()

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if key_of(*arguments) == "a.jpg":
            assert b_is_done.wait(30)
            raise KeyboardInterrupt
        done = work(*arguments, **options)
        b_is_done.set()
        return done

    return interrupted


def test_who_breaks_a_retry_off_is_told_of_what_was_under_way_too(world: World) -> None:
    """Several are worked on at once: those behind the one that was waited for count as well."""
    know(world, failed("a.jpg"), failed("b.jpg"))
    world.stack.jobs.save = _interrupted_once_b_is_done(  # type: ignore[method-assign]
        world.stack.jobs.save, lambda job, *_: job.source.key
    )
    told = world.run("retry", "--state", "failed", "--yes")
    assert told.exit_code != 0
    assert "Broke off: 1 are queued. Run it again for the others." in told.stderr


def test_who_breaks_copying_off_is_told_of_what_was_under_way_too(world: World) -> None:
    """As with a retry."""
    for key in ("a.jpg", "b.jpg"):
        world.stack.objects("old").add(key)
    transfers = world.stack.transfers("old")
    copy = _interrupted_once_b_is_done(transfers.copy, lambda _listed, key, _marks: key)
    transfers.copy = copy  # type: ignore[method-assign]
    world.stack.transfers = lambda source_bucket: transfers  # type: ignore[method-assign] # noqa: ARG005
    told = world.run("backfill", "s3://old/", "--yes")
    assert told.exit_code != 0
    assert "Broke off: 1 are copied. Run it again for the others." in told.stderr


def test_backfill_waits_for_room_in_the_queue_and_says_so(world: World) -> None:
    """Whoever waits longer than two seconds knows what for."""
    world.stack.objects(UPLOADS).add("a.jpg")
    world.stack.queued.full = [250, 200, 150]
    told = world.run("backfill", "s3://the-uploads/", "--yes")
    assert told.exit_code == 0
    assert "waits: about 200 messages stand in the queue\n" in told.stderr
    assert world.stack.clock.elapsed == 6
    assert len(world.stack.queued.queued) == 1
