"""Prepare's reports are checked: it decodes untrusted files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cutout.domain.job.source import Photo
from cutout.domain.messages.preparation import CopyKind, MadeCopy, PrepareReport
from cutout.domain.metrics import Metric
from cutout.domain.reasons import Reason
from cutout.domain.states import Pixels, State
from cutout.ports.jobs_table import JobMovedError
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook

COPY = MadeCopy(kind=CopyKind.FOR_MODEL, format="jpeg", size=17, width=600, height=400)
FULL = MadeCopy(kind=CopyKind.FULL_SIZE, format="png", size=15, width=600, height=400)
SHA256 = hashlib.sha256(tiff()).hexdigest()
PHOTO = Photo(format="tiff", width=600, height=400, sha256=SHA256)


def about(world: World, **said: Any) -> PrepareReport:
    """A report about the one waiting photo."""
    (request,) = world.preparations.requests
    assert request.ask is not None
    facts = {"job_id": request.job_id, "ask": request.ask, "version": "v1", **said}
    return PrepareReport(**facts)


def test_a_valid_report_is_accepted() -> None:
    """The keys of the copies follow from the job; the report does not name them."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.accept_report(about(world, photo=PHOTO, copies=(COPY,)))
    taken = world.job(job)
    assert (taken.state, taken.photo) == (State.PROCESSING, PHOTO)
    assert taken.prepared is not None
    assert taken.prepared.key == f"prepared/{job.id}.jpg"


@pytest.mark.parametrize(
    "said",
    [
        {"photo": replace(PHOTO, width=0), "copies": (COPY,)},
        {"photo": replace(PHOTO, width=20_000, height=10_001), "copies": (COPY,)},
        {"photo": replace(PHOTO, sha256="f" * 63), "copies": (COPY,)},
        # Its cut-out would be that of another photo, or be cached for another photo.
        {"photo": replace(PHOTO, sha256="0f" * 32), "copies": (COPY,)},
        {"photo": replace(PHOTO, sha256="../" + "0" * 61), "copies": (COPY,)},
        {"photo": replace(PHOTO, format="tiff/../x"), "copies": (COPY,)},
        {"photo": replace(PHOTO, orientation=9), "copies": (COPY,)},
        {"photo": replace(PHOTO, profile="x" * 4_000_000), "copies": (COPY,)},
        {"photo": PHOTO, "copies": (replace(COPY, format="/../../x"),)},
        {"photo": PHOTO, "copies": (replace(COPY, size=10_000_001),)},
        {"photo": PHOTO, "copies": (replace(COPY, size=0),)},
        {"photo": PHOTO, "copies": (replace(COPY, width=7681, height=1),)},
        {"photo": PHOTO, "copies": (COPY, COPY)},
        {"photo": PHOTO, "copies": ()},
        {"photo": PHOTO, "copies": (COPY, FULL)},
        {"photo": PHOTO, "copies": (COPY,), "reason": Reason.DAMAGED_PHOTO},
        {"copies": (COPY,)},
        {"reason": Reason.DAMAGED_PHOTO, "copies": (COPY,)},
        {"reason": Reason.DAMAGED_PHOTO, "message": "x" * 501},
        {"reason": Reason.DAMAGED_PHOTO, "message": "line\nline"},
        {"reason": Reason.DAMAGED_PHOTO, "message": "\ud800"},
        {"reason": Reason.GATE_PAUSED},
        {"reason": Reason.TASK_FAILED},
        {"reason": Reason.EMPTY_OBJECT},
    ],
)
def test_an_impossible_report_is_refused_and_counted(said: dict[str, Any]) -> None:
    """The job keeps waiting, and Prepare is asked again at its due time."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.accept_report(about(world, **said))
    assert world.job(job) == job
    assert world.telemetry.counts[Metric.REPORTS_REFUSED] == 1
    world.preparations.requests.clear()
    world.clock.advance_to(job.due_at or world.clock.now())
    world.sweep.sweep()
    world.deliver_all()
    assert world.job(job).state is State.PROCESSING


@pytest.mark.parametrize(
    "other", [{"version": "v2"}, {"ask": 0}, {"ask": 1}, {"job_id": "0f" * 16}]
)
def test_a_report_that_matches_no_request_is_ignored(other: dict[str, Any]) -> None:
    """Of another version, request or job: normal after a repeat, and not counted."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.accept_report(replace(about(world, photo=PHOTO, copies=(COPY,)), **other))
    assert world.job(job) == job
    assert Metric.REPORTS_REFUSED not in world.telemetry.counts


def test_a_report_cannot_contradict_what_submit_read_of_the_photo() -> None:
    """A report of other bytes would complete the job with the result of another photo."""
    world = World(pixels=Pixels.SOURCE)
    job = world.arrives("a.png", png())
    world.accept_report(about(world, photo=PHOTO, copies=(FULL,)))
    assert world.job(job) == job
    assert world.telemetry.counts[Metric.REPORTS_REFUSED] == 1


def test_a_report_without_a_full_size_copy_must_give_a_reason() -> None:
    """With pixels of the source, a report without either does not come from Prepare."""
    world = World(pixels=Pixels.SOURCE)
    job = world.arrives("a.tif", tiff())
    world.accept_report(about(world, photo=PHOTO, copies=(COPY,)))
    assert world.job(job) == job
    world.accept_report(about(world, photo=PHOTO, copies=(COPY,), problem="too large"))
    assert world.job(job).state is State.PROCESSING


@pytest.mark.parametrize("job", [lambda world: world.arrives("b.png", png())])
def test_a_report_on_a_job_that_does_not_wait_is_ignored(job: Callable[[World], Any]) -> None:
    """It changes nothing in the job."""
    world = World()
    world.arrives("a.tif", tiff())
    other = job(world)
    report = about(world, photo=PHOTO, copies=(COPY,))
    world.accept_report(replace(report, job_id=other.id, version=other.source.version_id))
    assert world.job(other) == other


def test_a_report_that_loses_every_race_is_left_to_the_queue() -> None:
    """It is redelivered."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    report = about(world, photo=PHOTO, copies=(COPY,))

    def written() -> None:
        world.jobs.jobs[job.id] = replace(
            world.jobs.jobs[job.id], version=world.jobs.jobs[job.id].version + 1
        )
        hook.once_at("jobs.save", written)

    hook.once_at("jobs.save", written)
    with pytest.raises(JobMovedError):
        world.accept_report(report)
