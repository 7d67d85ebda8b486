"""Commands about the objects of a bucket: `audit`, `backfill`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cutout.domain.gate.gate import Limits
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion
from cutout.domain.states import Lane, State
from tests.support.builders import new_gate
from tests.support.cli.clock import NOON
from tests.support.cli.interrupting import interrupted_once_b_is_done
from tests.support.cli.jobs import RESULTS, UPLOADS, failed, make_job
from tests.support.cli.world import World


def stored(world: World, job: Job) -> None:
    """Add the object of a job, and its cut-out if it has one."""
    bucket = world.stack.bucket(UPLOADS)
    listed = bucket.add(job.source.key)
    source = listed.source(UPLOADS, "0A")
    job = replace(job, id=source.job_id, source=source)
    world.stack.know(job)
    world.stack.table.advance(
        LatestVersion(source_ref=source.ref, order=source.order, job_id=job.id)
    )
    if job.result:
        world.stack.bucket(RESULTS).add(job.result.key)


def test_audit_succeeds_if_every_upload_has_a_job(world: World) -> None:
    """A failed photo has a job."""
    stored(world, make_job("a.jpg"))
    stored(world, failed("b.jpg"))
    told = world.run("audit")
    assert told.exit_code == 0
    rows = [line.split() for line in told.stdout.splitlines()]
    assert rows == [
        ["finding", "objects", "reason"],
        ["done", "1"],
        ["failed", "1", "task-failed"],
    ]
    assert "2 objects in s3://the-uploads on a made-up stack" in told.stderr
    assert "requests" not in told.stderr


def test_audit_finds_uploads_without_a_job_and_jobs_without_a_cut_out(world: World) -> None:
    """The exit status is 1."""
    stored(world, make_job("gone.jpg"))
    del world.stack.bucket(RESULTS).objects["gone.png"]
    world.stack.bucket(UPLOADS).add("lost.jpg")
    told = world.run("audit")
    assert told.exit_code == 1
    assert "missing: `cutout audit --fix` queues them at low priority\n  lost.jpg\n" in (
        told.stdout
    )
    assert "  gone.jpg\n" in told.stdout
    data = json.loads(world.run("audit", "--json").stdout)
    assert {(one["key"], one["finding"]) for one in data["troubles"]} == {
        ("lost.jpg", "missing"),
        ("gone.jpg", "result-gone"),
    }
    assert data["objects"] == 2


def test_audit_queues_missing_uploads_with_yes(world: World) -> None:
    """The cost is shown first."""
    world.stack.bucket(UPLOADS).add("lost.jpg")
    for options in (("--fix",), ("--fix", "--dry-run", "--yes")):
        asked = world.run("audit", *options)
        assert (asked.exit_code, "5.4 credits, about $0.08" in asked.stdout) == (1, True)
        assert world.stack.queued.queued == []
    told = world.run("audit", "--fix", "--yes", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["queued"] == 1
    ((source, lane),) = world.stack.queued.queued
    assert (source.key, lane) == ("lost.jpg", Lane.BACKFILL)


def test_audit_calls_open_jobs_in_progress(world: World) -> None:
    """A task in flight is another thing: it holds a slot of the gate. Programs get the old name."""
    stored(world, make_job("a.jpg", state=State.QUEUED))
    assert "in progress        1" in world.run("audit").stdout
    assert "in-flight" in world.run("audit", "--json").stdout


def test_audit_keeps_to_the_watched_prefix(world: World) -> None:
    """Other objects are ignored."""
    world.stack.watch("in/")
    for key in ("in/a.jpg", "in/x/b.jpg", "out.jpg"):
        world.stack.bucket(UPLOADS).add(key)
    assert json.loads(world.run("audit", "--json").stdout)["objects"] == 2
    assert json.loads(world.run("audit", "--prefix", "in/x/", "--json").stdout)["objects"] == 1
    refused = world.run("audit", "--prefix", "out")
    assert (refused.exit_code, "out is not watched" in refused.stderr) == (1, True)


@pytest.mark.parametrize("options", [("--yes",), ("--dry-run",)])
def test_audit_requires_fix_for_yes_and_dry_run(world: World, options: tuple[str, ...]) -> None:
    """`--yes` alone would change nothing."""
    assert world.run("audit", *options).exit_code == 2


@pytest.mark.parametrize(
    "command", [("audit",), ("costs",), ("backfill", "s3://the-uploads/", "--dry-run")]
)
def test_requests_are_counted_with_verbose(world: World, command: tuple[str, ...]) -> None:
    """Not otherwise."""
    assert "requests: 1 BatchGetItem, 2 Query" in world.run(*command, "--verbose").stderr
    assert "requests" not in world.run(*command).stderr


def test_backfill_shows_the_cost_first_and_queues_only_with_yes(world: World) -> None:
    """The number of photos, reasons for skipping others, credits, money and time."""
    bucket = world.stack.bucket(UPLOADS)
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
        "      1 skipped: written just now: its event may still arrive\n"
        "10.8 credits, about $0.16 (at 1.47 cents a credit); done in about 3.0 s: "
        "3 photos at once, 3.0 s each, measured on 1 recent photo\n"
    )
    assert "Dry run: nothing was queued. Add `--yes` to queue them." in asked.stderr
    assert world.run("backfill", "s3://the-uploads/x/", "--dry-run", "--yes").exit_code == 0
    assert world.stack.queued.queued == []
    told = world.run("backfill", "s3://the-uploads/x/", "--yes", "--json")
    assert (told.exit_code, json.loads(told.stdout)["queued"]) == (0, 2)
    assert [source.key for source, _lane in world.stack.queued.queued] == ["x/a.jpg", "x/b.jpg"]


def test_backfill_stops_at_its_limit(world: World) -> None:
    """The next run continues."""
    for key in "abc":
        world.stack.bucket(UPLOADS).add(f"{key}.jpg")
    told = world.run("backfill", "s3://the-uploads", "--limit", "2", "--yes", "--json")
    assert (json.loads(told.stdout)["photos"], json.loads(told.stdout)["queued"]) == (2, 2)


def test_backfill_shows_the_effect_of_the_cap(world: World) -> None:
    """With the expected time of the end."""
    limits = Limits(max_in_flight=3, daily_credit_cap=make_job().credits * 2)
    world.stack.table.gate = new_gate(limits=limits)
    for key in "abc":
        world.stack.bucket(UPLOADS).add(f"{key}.jpg")
    told = world.run("backfill", "s3://the-uploads/", "--dry-run")
    assert "the daily cap of 10.8 credits admits 2 today" in told.stdout
    assert "done in about 12 h" in told.stdout


def test_backfill_copies_from_another_bucket(world: World) -> None:
    """Under the same keys below the watched prefix; a second run copies only what is missing."""
    world.stack.watch("in/")
    for key in ("a.jpg", "b.jpg"):
        world.stack.bucket("old").add(key)
    told = world.run("backfill", "s3://old/", "--yes")
    assert (told.exit_code, "2 photos queued" in told.stderr) == (0, True)
    assert sorted(world.stack.bucket(UPLOADS).objects) == ["in/a.jpg", "in/b.jpg"]
    again = world.run("backfill", "s3://old/", "--yes", "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["skipped"] == {"there-already": 2}


def test_backfill_lists_objects_that_s3_refuses_to_copy(world: World) -> None:
    """The others are copied; the exit status is 1."""
    for key in ("a.jpg", "b.jpg"):
        world.stack.bucket("old").add(key)
    world.stack.uncopied = {"a.jpg": "AccessDenied: the key may not be used"}
    told = world.run("backfill", "s3://old/", "--yes")
    assert told.exit_code == 1
    assert list(world.stack.bucket(UPLOADS).objects) == ["b.jpg"]
    assert "1 not copied: refused\n" in told.stderr
    assert "  a.jpg: AccessDenied: the key may not be used\n" in told.stderr
    again = world.run("backfill", "s3://old/", "--yes", "--json")
    assert again.exit_code == 1
    assert json.loads(again.stdout)["refused"] == [
        {"key": "a.jpg", "version": "v1", "reason": "AccessDenied: the key may not be used"}
    ]


def test_refused_objects_do_not_count_towards_the_limit(world: World) -> None:
    """Otherwise the same objects would fill each run, and later ones would never be copied."""
    for key in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        world.stack.bucket("old").add(key)
    world.stack.uncopied = {"a.jpg": "InvalidObjectState", "b.jpg": "InvalidObjectState"}
    told = world.run("backfill", "s3://old/", "--yes", "--limit", "1", "--json")
    assert (told.exit_code, json.loads(told.stdout)["queued"]) == (1, 1)
    assert list(world.stack.bucket(UPLOADS).objects) == ["c.jpg"]


@pytest.mark.parametrize(("place", "status"), [("old/x", 2), ("s3://", 2), (f"s3://{RESULTS}/", 1)])
def test_backfill_refuses_an_invalid_source(world: World, place: str, status: int) -> None:
    """Own output is one."""
    assert world.run("backfill", place, "--yes").exit_code == status


def test_an_interrupted_backfill_prints_how_many_are_queued(world: World) -> None:
    """Queued photos are skipped the next time."""
    for number in range(120):
        world.stack.bucket(UPLOADS).add(f"{number}.jpg")
    queue = world.stack.queued.queue

    def interrupted(*arguments: object) -> None:
        if world.stack.queued.queued:
            raise KeyboardInterrupt
        queue(*arguments)  # type: ignore[arg-type]

    world.stack.queued.queue = interrupted  # type: ignore[method-assign,assignment]
    told = world.run("backfill", "s3://the-uploads/", "--yes")
    assert told.exit_code != 0
    assert "Interrupted: 50 photos queued. Run it again for the others." in told.stderr


def test_an_interrupted_copy_counts_the_copies_that_were_running(world: World) -> None:
    """As with a retry."""
    for key in ("a.jpg", "b.jpg"):
        world.stack.bucket("old").add(key)
    transfers = world.stack.copies("old")
    copy = interrupted_once_b_is_done(transfers.copy, lambda _listed, key, _marks: key)
    transfers.copy = copy  # type: ignore[method-assign]
    ports = replace(world.stack.ports, transfers=lambda _source: transfers)
    world.stack.ports = ports
    told = world.run("backfill", "s3://old/", "--yes")
    assert told.exit_code != 0
    assert "Interrupted: 1 photo copied. Run it again for the others." in told.stderr


def test_backfill_waits_for_room_in_the_queue_and_prints_that(world: World) -> None:
    """After two seconds, the reason is shown."""
    world.stack.bucket(UPLOADS).add("a.jpg")
    world.stack.queued.full = [250, 200, 150]
    told = world.run("backfill", "s3://the-uploads/", "--yes")
    assert told.exit_code == 0
    assert "waiting: about 200 messages in the submissions queue\n" in told.stderr
    assert world.stack.clock.elapsed == 6
    assert len(world.stack.queued.queued) == 1
