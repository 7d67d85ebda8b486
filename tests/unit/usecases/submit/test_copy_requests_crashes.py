"""Workers that die over a copy, messages that come twice or late: nothing is lost, all ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.messages.preparation import PrepareReport
from cutout.domain.metrics import Metric
from cutout.domain.reasons import Reason
from cutout.domain.states import Move, State, Transport
from cutout.usecases.submit.copy_requests import MOST_ASKS
from tests.support.fakes.buckets import MemoryCopies
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook, WorkerDiedError

MINUTE = timedelta(minutes=1)


def reported(world: World) -> PrepareReport:
    """What Prepare reports of the one photo that it was asked about, on its way to Submit."""
    (request,) = world.preparations.requests
    world.preparations.requests.clear()
    report = world.prepare.prepare(request)
    world.reports.reports.clear()
    return report


def unanswered(world: World, job: Job) -> Job:
    """The job after every request to prepare it was lost."""
    for _ in range(13 * 60):
        world.clock.advance(MINUTE)
        world.sweep.sweep()
        while world.submissions.job_ids:
            world.submit.advance(world.job(job))
            world.submissions.job_ids.pop()
    world.preparations.requests.clear()
    return world.job(job)


def test_a_photo_that_prepare_never_answers_for_is_given_up() -> None:
    """Its function dies of it, or is not there at all: asked ten times, in about six hours."""
    hook = Hook()
    world = World(step=hook)
    given_up = unanswered(world, world.arrives("a.tif", tiff()))
    assert (given_up.state, given_up.reason) == (State.REJECTED, Reason.CANNOT_BE_PREPARED)
    assert given_up.message == "10 requests to prepare it brought no copy that could be sent"
    assert hook.seen.count("preparations.prepare") == MOST_ASKS


def test_a_copy_that_is_never_there_is_not_made_for_ever() -> None:
    """It is reported, and when it is to be handed over, it is gone, each time."""
    hook = Hook()
    world = World(step=hook)
    admit_job = world.submit.admit_job
    calls = replace(admit_job.paid_calls, copies=MemoryCopies(), transport=Transport.FILES)
    world.submit = replace(world.submit, admit_job=replace(admit_job, paid_calls=calls))
    job = world.arrives("a.tif", tiff())
    world.settles()
    assert (world.job(job).state, world.job(job).reason) == (
        State.REJECTED,
        Reason.CANNOT_BE_PREPARED,
    )
    assert hook.seen.count("preparations.prepare") == MOST_ASKS


def test_a_person_may_have_it_tried_again() -> None:
    """From the beginning."""
    world = World()
    given_up = unanswered(world, world.arrives("a.tif", tiff()))
    assert given_up.state is State.REJECTED
    world.operate.retry(given_up)
    world.settles()
    assert world.job(given_up).state is State.PROCESSING


def test_a_worker_that_dies_before_it_reports_does_it_again() -> None:
    """The queue delivers again; whatever was put before is put again."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    (request,) = world.preparations.requests
    for step in ("uploads.fetch", "copier.copy", "copies.put done", "reports.report"):
        hook.die_at(step)
        with pytest.raises(WorkerDiedError):
            world.prepare.prepare(request)
    world.settles()
    assert world.job(job).state is State.PROCESSING


def test_a_request_that_comes_twice_makes_the_same_copy_twice() -> None:
    """The second report finds the job gone on."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.preparations.requests *= 2
    world.settles()
    assert world.telemetry.counts[Metric.PREPARED] == 2
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 1)
    assert Metric.REPORTS_REFUSED not in world.telemetry.counts


def test_a_report_of_an_earlier_wish_counts_while_the_job_still_waits() -> None:
    """Submit asked again meanwhile: the copy is as good as before."""
    world = World()
    job = world.arrives("a.tif", tiff())
    report = reported(world)
    world.clock.advance(TIMING.lease)
    world.submit.advance(world.job(job))
    world.hears(report)
    assert world.job(job).state is State.PROCESSING


def test_a_report_of_an_earlier_wait_is_not_taken_for_the_present_ones() -> None:
    """A person had the photo tried again: what was wrong then need not be now."""
    world = World()
    job = world.arrives("a.tif", tiff(is_damaged=True))
    report = reported(world)
    world.hears(report)
    assert world.job(job).state is State.REJECTED
    world.clock.advance(MINUTE)
    world.operate.retry(world.job(job))
    world.submit.advance(world.job(job))
    world.hears(report)
    assert world.job(job).is_being_prepared


def test_a_row_that_is_written_while_a_report_is_taken_does_not_lose_it() -> None:
    """Submit asks again in the same moment."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    report = reported(world)
    world.clock.advance(TIMING.lease)
    hook.once_at("jobs.save", lambda: world.advance(world.job(job)))
    world.hears(report)
    assert world.job(job).state is State.PROCESSING


def test_a_job_that_was_settled_while_its_copy_was_made_stays_settled() -> None:
    """A newer upload came in between."""
    world = World()
    job = world.arrives("a.tif", tiff())
    report = reported(world)
    settled = world.job(job).settle(
        Move.SUPERSEDE,
        now=world.clock.now(),
        retention=TIMING.retention,
        reason=Reason.NEWER_UPLOAD,
    )
    world.jobs.save(settled)
    world.hears(report)
    assert world.job(job).state is State.SUPERSEDED


def test_a_worker_that_dies_over_a_report_leaves_it_to_the_queue_or_to_sweep() -> None:
    """Before the row is written the message comes again; after that, the job is due."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    report = reported(world)
    hook.die_at("jobs.save")
    with pytest.raises(WorkerDiedError):
        world.hears(report)
    hook.die_at("heads.newest")
    with pytest.raises(WorkerDiedError):
        world.hears(report)
    assert world.job(job).prepared is not None
    world.passes(3 * MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_a_report_about_a_row_that_is_gone_is_ignored() -> None:
    """It expired, or somebody removed it."""
    world = World()
    world.arrives("a.tif", tiff())
    report = reported(world)
    world.jobs.jobs.clear()
    assert world.submit.copy_requests.accept(report) is None
