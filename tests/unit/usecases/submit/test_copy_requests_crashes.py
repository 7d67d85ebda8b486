"""Workers that crash while making a copy, and duplicate or late messages: each job ends."""

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
from tests.support.hooks import Hook, WorkerCrashedError

MINUTE = timedelta(minutes=1)


def reported(world: World) -> PrepareReport:
    """Prepare's report about the one requested photo, before Submit has received it."""
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


def test_a_photo_that_prepare_never_reports_on_is_given_up() -> None:
    """Its function crashes or does not exist: ten requests are sent in about six hours."""
    hook = Hook()
    world = World(step=hook)
    given_up = unanswered(world, world.arrives("a.tif", tiff()))
    assert (given_up.state, given_up.reason) == (State.REJECTED, Reason.CANNOT_BE_PREPARED)
    assert given_up.message == "10 requests to prepare it brought no copy that could be sent"
    assert hook.seen.count("preparations.prepare") == MOST_ASKS


def test_a_copy_that_is_always_missing_is_not_made_without_end() -> None:
    """It is reported, and missing each time it is to be transferred."""
    hook = Hook()
    world = World(step=hook)
    admit_job = world.submit.admit_job
    calls = replace(admit_job.paid_calls, copies=MemoryCopies(), transport=Transport.FILES)
    world.submit = replace(world.submit, admit_job=replace(admit_job, paid_calls=calls))
    job = world.arrives("a.tif", tiff())
    world.deliver_all()
    assert (world.job(job).state, world.job(job).reason) == (
        State.REJECTED,
        Reason.CANNOT_BE_PREPARED,
    )
    assert hook.seen.count("preparations.prepare") == MOST_ASKS


def test_an_operator_can_retry_a_photo_that_was_given_up() -> None:
    """The number of requests starts again."""
    world = World()
    given_up = unanswered(world, world.arrives("a.tif", tiff()))
    assert given_up.state is State.REJECTED
    world.operate.retry(given_up)
    world.deliver_all()
    assert world.job(given_up).state is State.PROCESSING


def test_a_worker_that_crashes_before_it_reports_repeats_the_work() -> None:
    """The queue redelivers the request, and the copy is written again."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    (request,) = world.preparations.requests
    for step in ("uploads.fetch", "copier.copy", "copies.put done", "reports.report"):
        hook.crash_at(step)
        with pytest.raises(WorkerCrashedError):
            world.prepare.prepare(request)
    world.deliver_all()
    assert world.job(job).state is State.PROCESSING


def test_a_request_delivered_twice_makes_the_same_copy_twice() -> None:
    """The second report is ignored, since the job has moved on."""
    world = World()
    job = world.arrives("a.tif", tiff())
    world.preparations.requests *= 2
    world.deliver_all()
    assert world.telemetry.counts[Metric.PREPARED] == 2
    assert (world.job(job).state, len(world.evolink.posts)) == (State.PROCESSING, 1)
    assert Metric.REPORTS_REFUSED not in world.telemetry.counts


def test_a_report_on_an_earlier_request_counts_while_the_job_still_waits() -> None:
    """Submit has sent a second request meanwhile; the first copy is as good."""
    world = World()
    job = world.arrives("a.tif", tiff())
    report = reported(world)
    world.clock.advance(TIMING.lease)
    world.submit.advance(world.job(job))
    world.accept_report(report)
    assert world.job(job).state is State.PROCESSING


def test_a_report_from_before_a_retry_is_ignored_after_it() -> None:
    """An operator retried the job: what was wrong then may be corrected now."""
    world = World()
    job = world.arrives("a.tif", tiff(is_damaged=True))
    report = reported(world)
    world.accept_report(report)
    assert world.job(job).state is State.REJECTED
    world.clock.advance(MINUTE)
    world.operate.retry(world.job(job))
    world.submit.advance(world.job(job))
    world.accept_report(report)
    assert world.job(job).is_being_prepared


def test_a_job_written_while_a_report_is_recorded_does_not_lose_the_report() -> None:
    """Submit sends another request at the same time."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    report = reported(world)
    world.clock.advance(TIMING.lease)
    hook.once_at("jobs.save", lambda: world.advance(world.job(job)))
    world.accept_report(report)
    assert world.job(job).state is State.PROCESSING


def test_a_job_settled_while_its_copy_was_made_stays_settled() -> None:
    """A newer upload came meanwhile."""
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
    world.accept_report(report)
    assert world.job(job).state is State.SUPERSEDED


def test_a_crash_while_a_report_is_recorded_is_repaired_by_the_queue_or_sweep() -> None:
    """Before the job is written, the message is redelivered; after that, the job is due."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives("a.tif", tiff())
    report = reported(world)
    hook.crash_at("jobs.save")
    with pytest.raises(WorkerCrashedError):
        world.accept_report(report)
    hook.crash_at("heads.newest")
    with pytest.raises(WorkerCrashedError):
        world.accept_report(report)
    assert world.job(job).prepared is not None
    world.passes(3 * MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_a_report_about_a_job_that_has_expired_is_ignored() -> None:
    """It expired, or an operator deleted it."""
    world = World()
    world.arrives("a.tif", tiff())
    report = reported(world)
    world.jobs.jobs.clear()
    assert world.submit.copy_requests.accept(report) is None
