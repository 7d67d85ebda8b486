"""Storing a result: fetched safely, checked, labelled, published, then recorded."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.errors import (
    FetchRefusedError,
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
)
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result
from cutout.domain.metrics import Metric
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.buckets import Labels
from tests.support.fakes.buckets import StoredObject
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import CUT_OUT, PRICE
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook

MINUTE = timedelta(minutes=1)
TASK = "task-unified-000001"


def finish(world: World, job: Job, result: bytes = CUT_OUT) -> Job:
    """Complete the job's task with this result and deliver its callback."""
    world.evolink.complete(world.task_of(job), result)
    return world.check_task(job)


def test_an_accepted_result_is_published_with_its_provenance() -> None:
    """At the photo's key with `.png`, and the provenance as metadata."""
    world = World()
    job = finish(world, world.arrives("shoes/red.jpg"))
    data = CUT_OUT + b" " + TASK.encode()
    assert (job.state, job.reason) == (State.COMPLETED, None)
    assert job.result == Result(
        bucket="results",
        key="shoes/red.png",
        size=len(data),
        width=600,
        height=400,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    stored = world.results.objects["shoes/red.png"]
    assert stored == StoredObject(
        data=data,
        content_type="image/png",
        labels=Labels(
            metadata={
                "cutout-job": job.id,
                "cutout-source-version": "v1",
                "cutout-source-order": job.source.order,
                "cutout-model": "mj-v7-remove-bg",
                "cutout-task": TASK,
            },
            tags={},
        ),
        etag=stored.etag,
    )


def test_a_completed_job_is_announced_counted_and_expires() -> None:
    """With its cost and duration."""
    world = World()
    job = world.arrives()
    world.clock.advance(timedelta(seconds=41))
    job = finish(world, job)
    assert [told.state for told in world.announcements.jobs] == [State.COMPLETED]
    assert (job.due_at, job.expires_at) == (None, world.clock.now() + TIMING.retention)
    assert world.telemetry.happened == {
        Metric.ADMITTED: 1,
        Metric.COMPLETED: 1,
        Metric.FAILED_PERCENT: 0,
        Metric.CREDITS: float(PRICE),
        Metric.SECONDS_TO_COMPLETE: 41,
    }


def test_the_object_is_stored_before_the_job_is_completed() -> None:
    """`completed` means that the object exists: it is written first, then the job."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    seen: list[State] = []
    hook.once_at("results.put done", lambda: seen.append(world.job(job).state))
    finish(world, job)
    assert seen == [State.STORING]
    put, announced = (hook.seen.index(n) for n in ("results.put done", "announcements.announce"))
    saves = [index for index, name in enumerate(hook.seen) if name == "jobs.save done"]
    assert any(put < save < announced for save in saves)


def test_the_slot_is_freed_as_soon_as_the_task_ends() -> None:
    """Fetching and storing do not delay other jobs."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    in_flight: list[int] = []
    hook.once_at("downloads.fetch", lambda: in_flight.append(world.jobs.read_gate().in_flight))
    finish(world, job)
    assert in_flight == [0]


@pytest.mark.parametrize("others_wait", [False, True])
def test_waiting_jobs_are_read_only_if_the_gate_has_some(*, others_wait: bool) -> None:
    """The flag is read with the job's other reads, so that a photo alone needs no extra request."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.jobs.gate = replace(world.jobs.read_gate(), has_waiting=others_wait)
    finish(world, job)
    assert ("backlog.waiting" in hook.seen) == others_wait


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (b"png 600 400 255 255", Reason.RESULT_OPAQUE),
        (b"jpeg 600 400 -1 -1", Reason.RESULT_OPAQUE),
        (b"png 600 400 0 0", Reason.RESULT_EMPTY),
        (b"png 400 600 0 255", Reason.RESULT_ASPECT_DIFFERS),
    ],
)
def test_a_result_that_fails_the_checks_is_kept_for_review(result: bytes, reason: Reason) -> None:
    """It was paid for, so it is stored, but never at a result key."""
    world = World()
    job = finish(world, world.arrives("shoes/red.jpg"), result)
    assert (job.state, job.reason, job.credits) == (State.REVIEW, reason, PRICE)
    assert list(world.results.objects) == ["review/shoes/red.png"]
    assert world.results.objects["review/shoes/red.png"].data.startswith(result)
    assert job.result is not None
    assert job.result.key == "review/shoes/red.png"
    assert [told.state for told in world.announcements.jobs] == [State.REVIEW]
    assert job.is_announced


def test_a_result_kept_for_review_has_its_own_content_type_or_none() -> None:
    """No object is labelled as a PNG that is not one."""
    world = World()
    finish(world, world.arrives("a.jpg"), b"jpeg 600 400 -1 -1")
    finish(world, world.arrives("b.jpg"), BROKEN_OFF)
    world.passes(30 * MINUTE)
    types = {key: stored.content_type for key, stored in world.results.objects.items()}
    assert types == {
        "review/a.png": "image/jpeg",
        "review/b.png": "application/octet-stream",
    }


def test_a_cut_out_of_another_format_becomes_a_png() -> None:
    """The key ends in `.png`; the job describes what is stored."""
    world = World()
    job = finish(world, world.arrives(), b"webp 600 400 0 255")
    stored = world.results.objects["a.png"]
    made = CUT_OUT + f" upright {TASK}".encode()
    assert (stored.data, stored.content_type) == (made, "image/png")
    assert job.result is not None
    assert job.result.size == len(stored.data)
    assert job.result.sha256 == hashlib.sha256(stored.data).hexdigest()


@pytest.mark.parametrize(
    "error",
    [
        FetchRefusedError("the link leads to an address that is not public"),
        FetchRefusedError("the link is not https"),
        FetchRefusedError("the body is larger than 104,857,600 bytes"),
        FetchRefusedError("the link serves text/html, not a picture"),
        ProviderBusyError("the link answers 403", status=403),
        ProviderBusyError("the link answers 404", status=404),
        ResponseLostError("RemoteProtocolError"),
        NotSentError("the link's host is not found"),
    ],
    ids=str,
)
def test_a_result_that_cannot_be_fetched_is_read_again_and_not_stored(error: Exception) -> None:
    """The task is read again, since its link may have changed; nothing is paid again."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.downloads.faults.append(error)
    after = finish(world, job)
    assert (after.state, after.reason, after.message) == (
        State.STORING,
        Reason.RESULT_UNREADABLE,
        str(error),
    )
    assert after.due_at is not None
    assert timedelta(seconds=7.5) <= after.due_at - START <= timedelta(seconds=15)
    assert world.results.objects == {}
    hook.seen.clear()
    world.passes(MINUTE)
    assert hook.seen.count("evolink.read") == 1
    assert (world.job(job).state, len(world.evolink.posts)) == (State.COMPLETED, 1)


def test_a_result_that_stays_unreadable_fails_the_job_at_the_deadline() -> None:
    """Well within the day that a link is valid; the charge is recorded."""
    world = World()
    job = world.arrives()
    world.downloads.rule = lambda: FetchRefusedError("the link answers 404")
    finish(world, job)
    world.passes(TIMING.job_deadline - MINUTE)
    assert world.job(job).state is State.STORING
    world.passes(TIMING.poll_interval + 3 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.reason, failed.message) == (
        State.FAILED,
        Reason.RESULT_LOST,
        "the link answers 404",
    )
    assert (failed.credits, world.results.objects) == (PRICE, {})


BROKEN_OFF = png()[:-12] + b" "


def test_a_truncated_result_is_fetched_again() -> None:
    """A body without a length that ends early looks complete; the next one may be."""
    world = World()
    job = finish(world, world.arrives(), BROKEN_OFF)
    assert (job.state, job.reason) == (State.STORING, Reason.RESULT_UNREADABLE)
    assert job.message == "the result's file breaks off before its end"
    assert world.results.objects == {}
    world.evolink.complete(world.task_of(job))
    world.passes(MINUTE)
    assert world.job(job).state is State.COMPLETED


def test_a_result_that_stays_truncated_is_kept_for_review() -> None:
    """It was paid for, and no better one exists."""
    world = World()
    job = finish(world, world.arrives(), BROKEN_OFF)
    world.passes(30 * MINUTE)
    assert (world.job(job).state, world.job(job).reason) == (
        State.REVIEW,
        Reason.RESULT_NOT_AN_IMAGE,
    )


NO_PICTURES = {
    "nothing": b"",
    "a page": b"<html>sorry</html>",
    "JSON": b'{"error": "not ready"}',
    "noise": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
}


@pytest.mark.parametrize("served", NO_PICTURES.values(), ids=NO_PICTURES)
def test_a_result_that_is_no_picture_is_fetched_again(served: bytes) -> None:
    """Links are served before their file exists: a good file that follows is the result."""
    world = World()
    job = finish(world, world.arrives(), served)
    assert (job.state, job.reason, job.message) == (
        State.STORING,
        Reason.RESULT_UNREADABLE,
        "what the link serves cannot be read as a picture",
    )
    world.passes(10 * MINUTE)
    assert world.job(job).state is State.STORING
    world.evolink.complete(world.task_of(job))
    world.passes(6 * MINUTE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.COMPLETED, 1)


@pytest.mark.parametrize("served", NO_PICTURES.values(), ids=NO_PICTURES)
def test_a_result_that_never_was_a_picture_is_lost_and_not_reviewed(served: bytes) -> None:
    """An operator cannot judge it, and the charge is recorded."""
    world = World()
    job = finish(world, world.arrives(), served)
    world.passes(30 * MINUTE)
    lost = world.job(job)
    assert (lost.state, lost.reason, lost.message, lost.credits) == (
        State.FAILED,
        Reason.RESULT_LOST,
        "what the link serves cannot be read as a picture",
        PRICE,
    )
    assert world.results.objects == {}


def test_the_lost_result_of_a_replaced_photo_supersedes_the_job() -> None:
    """The newer upload counts."""
    world = World()
    job = finish(world, world.arrives(), b"<html>")
    world.arrives()
    world.passes(30 * MINUTE)
    assert world.job(job).state is State.SUPERSEDED


def test_the_job_keeps_its_message_while_its_result_is_fetched_again() -> None:
    """`cutout where` shows why it takes long."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.downloads.faults.append(ResponseLostError("RemoteProtocolError"))
    finish(world, job)
    said: list[tuple[Reason | None, str | None]] = []
    hook.once_at(
        "downloads.fetch",
        lambda: said.append((world.job(job).reason, world.job(job).message)),
    )
    world.passes(MINUTE)
    assert said == [(Reason.RESULT_UNREADABLE, "RemoteProtocolError")]
    assert (world.job(job).state, world.job(job).message) == (State.COMPLETED, None)
