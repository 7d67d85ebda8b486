"""Journeys of photos that send each kind of request at least once."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cutout.domain.gate.gate import holder
from cutout.domain.gate.pauses_and_slots import ShardChange
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import Verdict
from cutout.domain.states import AttemptOutcome, State
from cutout.operator.list_jobs import JobFilter
from tests.functions.deployed import ANN, WORK
from tests.functions.working import Working, cut_out, photo, working
from tests.support.builders import a_source
from tests.support.samples import sample

_GATE = 3


def see_everything(prefix: str = "", **changes: str) -> list[Working]:
    """Make every journey, in a deployment with these changes; its requests are recorded.

    Args:
        prefix: of all keys.
        changes: of the functions' environment.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No application metrics to publish")
        with working(**changes) as at_work:
            _usual(at_work, prefix)
            _reused(at_work, prefix)
            _noted(at_work, prefix)
            _lost(at_work, prefix)
            _deleted(at_work, prefix)
            _reviewed(at_work, prefix)
            _unanswered(at_work, prefix)
            _crowded(at_work, prefix)
            _transparent(at_work, prefix)
            _swept(at_work, prefix)
        with working(CUTOUT_INPUT_TRANSPORT="files", **changes) as handing_over:
            _copied(handing_over, prefix)
    return [at_work, handing_over]


def _usual(at_work: Working, prefix: str) -> None:
    at_work.through(f"{prefix}tagged.png", photo(1), Tagging="season=summer")
    at_work.through(f"{prefix}plain.png", photo(2), is_versioned=False)
    at_work.through(f"{prefix}prepared.tif", photo(3, "TIFF"))
    at_work.through(
        f"{prefix}plain.tif", photo(4, "TIFF"), is_versioned=False, Tagging="season=summer"
    )
    done = next(iter(at_work.stack.jobs.moved(State.COMPLETED)))
    at_work.message("store-result", {"job": done.job_id, "render": ["none"]})


def _reused(at_work: Working, prefix: str) -> None:
    """Once from a cached result, and once when that is gone."""
    at_work.through(f"{prefix}again.png", photo(1))
    s3 = at_work.stack.clients.s3
    for one in s3.list_objects_v2(Bucket=WORK, Prefix="kept/").get("Contents", ()):
        s3.delete_object(Bucket=WORK, Key=one["Key"])
    at_work.through(f"{prefix}again-2.png", photo(1))


def _noted(at_work: Working, prefix: str) -> None:
    """An error note that a cut-out removes, one that a deletion removes, one that is rewritten."""
    at_work.through(f"{prefix}noted.png", b"no photo")
    at_work.through(f"{prefix}noted.png", b"still no photo")
    at_work.through(f"{prefix}noted.png", photo(5), Tagging="season=winter")
    at_work.through(f"{prefix}junk.png", b"no photo", is_versioned=False)
    at_work.delete(f"{prefix}junk.png")
    at_work.hand_over()


def _lost(at_work: Working, prefix: str) -> None:
    """Photos that are gone when Submit, Prepare and StoreResult read them."""
    at_work.upload(f"{prefix}lost-1.png", photo(6), is_lost=True)
    at_work.upload(f"{prefix}lost-2.tif", photo(7, "TIFF"))
    at_work.lose(f"{prefix}lost-2.tif")
    at_work.hand_over()
    at_work.upload(f"{prefix}lost-3.png", photo(8))
    at_work.lose(f"{prefix}lost-3.png")
    at_work.call_back()


def _deleted(at_work: Working, prefix: str) -> None:
    """Retry a finished job, and one whose task runs."""
    at_work.through(f"{prefix}deleted.png", photo(9))
    at_work.delete(f"{prefix}deleted.png")
    at_work.hand_over()
    at_work.upload(f"{prefix}deleted-2.png", photo(10))
    at_work.delete(f"{prefix}deleted-2.png")
    at_work.hand_over()
    at_work.call_back()


def _reviewed(at_work: Working, prefix: str) -> None:
    at_work.result = cut_out(is_opaque=True)
    at_work.through(f"{prefix}opaque.png", photo(11), Tagging="season=spring")
    at_work.delete(f"{prefix}opaque.png")
    at_work.hand_over()
    for number, verdict in enumerate(Verdict):
        at_work.through(f"{prefix}doubtful-{number}.png", photo(50 + number))
        reviews = at_work.stack.reviews()
        newest = next(reviews.queue(JobFilter()))
        assert reviews.decide(newest.job, verdict, ANN).problem is None
        at_work.hand_over()
    at_work.result = b""


def _unanswered(at_work: Working, prefix: str) -> None:
    """A call whose callback comes although its answer did not, and one that is repeated."""
    at_work.unanswered = 2
    at_work.through(f"{prefix}unanswered-1.png", photo(12))
    at_work.upload(f"{prefix}unanswered-2.png", photo(13))
    at_work.hand_over()
    jobs = at_work.stack.jobs
    moving = jobs.find_all([entry.job_id for entry in jobs.moving()])
    (job,) = (one for one in moving if one.state is State.UNCONFIRMED)
    jobs.save(replace(job, due_at=datetime.now(UTC)))
    at_work.message("submit", {"job": job.id})
    at_work.call_back()


def _crowded(at_work: Working, prefix: str) -> None:
    """More photos than are admitted; one that waited is refused, so that Submit frees its slot."""
    for number in range(_GATE + 3):
        at_work.upload(f"{prefix}crowd-{number}.png", photo(20 + number))
    at_work.hand_over()
    at_work.refused = 1
    at_work.call_back()


def _transparent(at_work: Working, prefix: str) -> None:
    """Photos that give their own pixels: one from its copy, one whose copy is gone."""
    at_work.through(f"{prefix}clear.tif", photo(40, "TIFF", is_transparent=True))
    at_work.upload(f"{prefix}clear-2.tif", photo(41, "TIFF", is_transparent=True))
    at_work.hand_over()
    s3 = at_work.stack.clients.s3
    for one in s3.list_objects_v2(Bucket=WORK, Prefix="prepared/").get("Contents", ()):
        s3.delete_object(Bucket=WORK, Key=one["Key"])
    at_work.call_back()


def _swept(at_work: Working, prefix: str) -> None:
    """Jobs whose workers crashed, and a slot whose job is gone."""
    now = datetime.now(UTC)
    gone = holder("gone", 1, now - timedelta(days=4))
    for number, state in enumerate((State.QUEUED, State.PROCESSING)):
        job = Job.begin(
            a_source(key=f"{prefix}stranded-{number}.png"),
            now=now - timedelta(hours=1),
            due_at=now - timedelta(minutes=1),
        )
        attempt = Attempt(
            number=1,
            idempotency_key=f"cutout-{job.id}-1",
            started_at=now,
            outcome=AttemptOutcome.ACCEPTED,
            task_id=f"task-stranded-{number}",
            shard=0,
        )
        attempts = () if state is State.QUEUED else (attempt,)
        job = at_work.stack.jobs.claim(replace(job, state=state, attempts=attempts))
    at_work.stack.jobs.save(job, gate=[ShardChange(shard=0, takes=gone)])
    for _ in range(2):
        at_work.run("sweep", sample("scheduler-sweep"))


def _copied(at_work: Working, prefix: str) -> None:
    """Copies that are read when photos are uploaded to the Files API; one is gone by then."""
    at_work.through(f"{prefix}handed.tif", photo(30, "TIFF"))
    at_work.upload(f"{prefix}handed-2.tif", photo(31, "TIFF"))
    at_work.hand_over_once("prepare")
    s3 = at_work.stack.clients.s3
    for one in s3.list_objects_v2(Bucket=WORK, Prefix="prepared/").get("Contents", ()):
        s3.delete_object(Bucket=WORK, Key=one["Key"])
    at_work.hand_over()
    at_work.call_back()
