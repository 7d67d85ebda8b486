"""Commands that are about the objects of a bucket: `audit`, `backfill`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cutout.domain.gate import Gate, Limits
from cutout.domain.job.job import Job
from cutout.domain.states import Lane
from cutout.ports.jobs_table import LatestVersion
from tests.support.cli.clock import NOON
from tests.support.cli.interrupting import interrupted_once_b_is_done
from tests.support.cli.jobs import RESULTS, UPLOADS, failed, make_job
from tests.support.cli.world import World


def stored(world: World, job: Job) -> None:
    """An object of a job, and its cut-out if it has one."""
    bucket = world.stack.objects(UPLOADS)
    listed = bucket.add(job.source.key)
    source = listed.source(UPLOADS, "0A")
    job = replace(job, id=source.job_id, source=source)
    world.stack.known.append(job)
    world.stack.jobs.advance(
        LatestVersion(source_ref=source.ref, order=source.order, job_id=job.id)
    )
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


def test_backfill_names_what_s3_does_not_copy_and_goes_on(world: World) -> None:
    """The others are copied; it ends in exit status 1."""
    for key in ("a.jpg", "b.jpg"):
        world.stack.objects("old").add(key)
    world.stack.uncopied = {"a.jpg": "AccessDenied: the key may not be used"}
    told = world.run("backfill", "s3://old/", "--yes")
    assert told.exit_code == 1
    assert list(world.stack.objects(UPLOADS).objects) == ["b.jpg"]
    assert "1 not copied after all: refused\n" in told.stderr
    assert "  a.jpg: AccessDenied: the key may not be used\n" in told.stderr
    again = world.run("backfill", "s3://old/", "--yes", "--json")
    assert again.exit_code == 1
    assert json.loads(again.stdout)["refused"] == [
        {"key": "a.jpg", "version": "v1", "reason": "AccessDenied: the key may not be used"}
    ]


def test_what_s3_does_not_copy_takes_no_place_within_the_limit(world: World) -> None:
    """Otherwise the same objects would fill each run, and the next thousand would never come."""
    for key in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        world.stack.objects("old").add(key)
    world.stack.uncopied = {"a.jpg": "InvalidObjectState", "b.jpg": "InvalidObjectState"}
    told = world.run("backfill", "s3://old/", "--yes", "--limit", "1", "--json")
    assert (told.exit_code, json.loads(told.stdout)["queued"]) == (1, 1)
    assert list(world.stack.objects(UPLOADS).objects) == ["c.jpg"]


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


def test_who_breaks_copying_off_is_told_of_what_was_under_way_too(world: World) -> None:
    """As with a retry."""
    for key in ("a.jpg", "b.jpg"):
        world.stack.objects("old").add(key)
    transfers = world.stack.transfers("old")
    copy = interrupted_once_b_is_done(transfers.copy, lambda _listed, key, _marks: key)
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
