"""Giving the provider access to a photo: by a link, or by a copy at its Files API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import NotSent, Refused
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State, Transport
from tests.support.deduplicating import finish
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE, answering, taken_but_unanswered
from tests.support.fakes.world import KEY_SALT, TIMING, World, png

MINUTE = timedelta(minutes=1)
UNFETCHABLE = ["image_processing_error", "invalid_media_url"]


def through_files() -> World:
    """A world that transfers every photo through the Files API."""
    return World(transport=Transport.FILES)


def urls_posted(world: World) -> list[str]:
    """The URL of the photo in each call."""
    return [json.loads(body)["image_urls"][0] for _key, body in world.evolink.posts]


def test_a_link_names_the_real_type_of_the_photo() -> None:
    """The file is a PNG, whatever its key and the uploader's content type."""
    world = World()
    world.arrives("a.jpg")
    assert "type=image/png&" in urls_posted(world)[0]


def test_a_copy_is_transferred_before_the_call_that_names_it() -> None:
    """Its name is unique to the attempt, since the Files API overwrites existing names."""
    world = through_files()
    job = world.arrives()
    name = f"cutout-{job.id}-1-{KEY_SALT}.png"
    assert world.files.copies == {name: png()}
    assert urls_posted(world) == [f"https://files.example/{name}"]
    assert [a.file_id for a in job.attempts] == [name]


@pytest.mark.parametrize("is_success", [True, False])
def test_a_copy_is_deleted_when_its_attempt_ends(
    is_success: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The photo must not stay at a public URL for longer than needed."""
    world = through_files()
    job = world.arrives()
    if is_success:
        world.evolink.complete(world.task_of(job))
    else:
        world.evolink.fail(world.task_of(job), "content_policy_violation")
    assert world.check_task(job).state.is_settled
    assert (world.files.copies, world.files.deleted) == ({}, [f"cutout-{job.id}-1-{KEY_SALT}.png"])


def test_a_copy_stays_while_its_call_may_still_be_repeated() -> None:
    """The repeat has the same body, so the copy that it names must exist."""
    world = through_files()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.passes(TIMING.unconfirmed_grace + MINUTE)
    assert list(world.files.copies) == [f"cutout-{job.id}-1-{KEY_SALT}.png"]
    assert len(set(world.evolink.posts)) == 1


@pytest.mark.parametrize("code", UNFETCHABLE)
def test_a_photo_that_the_provider_cannot_fetch_is_sent_through_the_files_api(code: str) -> None:
    """At once, and for all further attempts of the job."""
    world = World()
    job = world.arrives()
    world.evolink.fail(world.task_of(job), code)
    again = world.check_task(job)
    assert (again.state, again.reason, again.transport) == (
        State.QUEUED,
        Reason.TASK_RETRIED,
        Transport.FILES,
    )
    assert again.due_at is not None
    assert again.due_at - START < timedelta(seconds=8)
    world.passes(MINUTE)
    assert urls_posted(world)[1] == f"https://files.example/cutout-{job.id}-2-{KEY_SALT}.png"
    world.evolink.complete(world.task_of(job))
    assert (world.check_task(job).state, world.job(job).credits) == (State.COMPLETED, PRICE)


@pytest.mark.parametrize("code", UNFETCHABLE)
def test_a_call_refused_for_its_link_is_repeated_through_the_files_api(code: str) -> None:
    """The refusal cost nothing; slot and credits are returned until the copy is transferred."""
    world = World()
    world.evolink.create_faults.append(answering(refusal(status=400, code=code, message="no")))
    job = world.arrives()
    assert (job.state, job.reason, job.transport) == (
        State.QUEUED,
        Reason.TASK_RETRIED,
        Transport.FILES,
    )
    assert [a.outcome for a in job.attempts] == [AttemptOutcome.REFUSED]
    gate = world.jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(START.date()), gate.pause) == (0, Decimal(0), None)
    world.passes(MINUTE)
    assert world.job(job).state is State.PROCESSING
    assert urls_posted(world)[1] == f"https://files.example/cutout-{job.id}-2-{KEY_SALT}.png"


def test_a_copy_that_cannot_be_read_either_fails_the_job() -> None:
    """The file itself is the problem: one more attempt, then `failed` with the API's code."""
    world = through_files()
    job = world.arrives()
    for _ in range(3):
        if world.job(job).state is State.PROCESSING:
            world.evolink.fail(world.task_of(job), "image_processing_error")
            world.check_task(job)
        world.passes(3 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.code) == (State.FAILED, "image_processing_error")
    assert (len(failed.attempts), failed.credits) == (2, Decimal(0))


def test_a_photo_deleted_before_its_transfer_is_superseded() -> None:
    """It waited at the gate, and its version was deleted meanwhile."""
    world = through_files()
    running = [world.arrives(f"{number}.jpg") for number in range(3)]
    job = world.arrives("a.jpg")
    world.uploads.destroy(job.source)
    world.evolink.complete(world.task_of(running[0]))
    world.check_task(running[0])
    world.deliver_all()
    assert (world.job(job).state, world.job(job).reason) == (
        State.SUPERSEDED,
        Reason.SOURCE_DELETED,
    )
    assert len(world.evolink.posts) == 3


def refused_copy(answer: Refused | NotSent) -> tuple[World, Job]:
    """A job whose transfer to the Files API is refused once."""
    world = through_files()
    world.files.answers.append(answer)
    return world, world.arrives()


def test_a_copy_refused_for_good_fails_the_job_without_a_call() -> None:
    """Too large, or of a type that is not accepted: code and message are recorded."""
    world, job = refused_copy(refusal(status=400, code="40001", message="file too large"))
    assert (job.state, job.reason, job.code, job.message) == (
        State.FAILED,
        Reason.REFUSED_BY_PROVIDER,
        "40001",
        "file too large",
    )
    assert (world.evolink.posts, job.attempts, world.jobs.read_gate().in_flight) == ([], (), 0)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, PauseReason.KEY_REFUSED),
        (402, PauseReason.OUT_OF_CREDITS),
        (429, PauseReason.RATE_LIMITED),
    ],
)
def test_a_files_api_that_refuses_the_account_pauses_the_gate(
    status: int,
    reason: PauseReason,
) -> None:
    """It is the same account as for calls; the job waits at the gate."""
    world, job = refused_copy(refusal(status=status, code="x", message="no"))
    pause = world.jobs.read_gate().pause
    assert pause is not None
    assert (pause.reason, pause.since) == (reason, START)
    assert world.telemetry.counts[Metric.GATE_PAUSED] == 1
    assert (job.state, job.reason, job.is_waiting) == (State.QUEUED, Reason.GATE_PAUSED, True)


def test_a_failed_transfer_backs_off_without_a_slot() -> None:
    """The slot is taken only once the copy is transferred."""
    world, job = refused_copy(NotSent(message="ConnectError"))
    assert (job.state, job.reason, job.is_waiting) == (State.QUEUED, Reason.BACKING_OFF, False)
    assert world.jobs.read_gate().in_flight == 0
    assert world.advance(job) == job
    world.passes(MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_an_unreachable_files_api_fails_the_job_in_the_end() -> None:
    """The number of transfers is bounded, as that of calls is."""
    world = through_files()
    world.files.answers.extend([NotSent(message="ConnectError")] * 100)
    job = world.arrives()
    world.passes(timedelta(hours=9))
    failed = world.job(job)
    assert (failed.state, failed.reason) == (State.FAILED, Reason.PROVIDER_UNREACHABLE)
    assert world.evolink.posts == []


def test_waiting_at_the_gate_does_not_count_as_failed_transfers() -> None:
    """However often the job was advanced there, its first failed transfer counts as the first."""
    world = through_files()
    running = [world.arrives(f"{number}.jpg") for number in range(3)]
    job = world.job(world.arrives("a.jpg"))
    world.jobs.save(replace(job, tries=1000))
    world.files.answers.append(NotSent(message="ConnectError"))
    world.evolink.complete(world.task_of(running[0]))
    world.check_task(running[0])
    world.deliver_all()
    waits = world.job(job)
    assert (waits.state, waits.reason, waits.handovers_failed) == (
        State.QUEUED,
        Reason.BACKING_OFF,
        1,
    )
    assert waits.due_at is not None
    assert waits.due_at - world.clock.now() <= timedelta(seconds=15)
    world.passes(MINUTE)
    assert (world.job(job).state, world.job(job).handovers_failed) == (State.PROCESSING, 0)


def without_versions(**options: Any) -> World:
    """A world whose uploads bucket is not versioned."""
    return World(uploads=MemoryUploads(is_versioned=False), **options)


def read_by_the_provider(world: World, number: int = 0) -> bytes:
    """The bytes at the URL of a call, as the provider reads them now."""
    url = urlsplit(urls_posted(world)[number])
    if url.hostname == "work.example":
        return world.copies.objects[url.path[1:]]
    return world.uploads.versions[url.path[1:], ""].data


def overwritten(world: World) -> None:
    """Another photo is uploaded to the key."""
    world.uploads.add("a.jpg", png(salt=2))


def deleted(world: World) -> None:
    """The key is deleted."""
    world.uploads.remove("a.jpg")


@pytest.mark.parametrize("meanwhile", [overwritten, deleted])
def test_without_versioning_the_provider_reads_a_copy_however_late(
    meanwhile: Callable[[World], None],
) -> None:
    """A link to the upload would return whatever is at the key by then."""
    world = without_versions()
    world.arrives("a.jpg", png(salt=1))
    meanwhile(world)
    assert read_by_the_provider(world) == png(salt=1)


def test_with_versioning_the_provider_reads_the_upload_itself() -> None:
    """A version cannot be overwritten, so no copy is needed."""
    world = World()
    job = world.arrives()
    assert world.copies.objects == {}
    assert urls_posted(world)[0].startswith(
        f"https://uploads.example/a.jpg?v={job.source.version_id}"
    )


@pytest.mark.parametrize("transport", Transport)
def test_without_versioning_an_overwritten_upload_is_not_sent(
    transport: Transport,
) -> None:
    """It was inspected and waited at the gate: the bytes there now are not paid for."""
    world = without_versions(transport=transport)
    world.operate.pause()
    job = world.arrives("a.jpg", png(salt=1))
    overwritten(world)
    world.operate.resume()
    world.deliver_all()
    assert (world.job(job).state, world.job(job).reason) == (
        State.SUPERSEDED,
        Reason.SOURCE_DELETED,
    )
    assert world.evolink.posts == []


def test_the_bytes_copied_are_the_bytes_inspected() -> None:
    """The hash that identifies the cached result is compared before the call is paid."""
    world = without_versions()
    world.operate.pause()
    job = world.arrives()
    assert job.photo is not None
    photo = replace(job.photo, sha256="00" * 32)
    world.jobs.jobs[job.id] = replace(job, photo=photo)
    world.operate.resume()
    world.deliver_all()
    assert world.job(job).state is State.SUPERSEDED
    assert (world.evolink.posts, world.copies.objects) == ([], {})


@pytest.mark.parametrize("is_restored", [True, False])
def test_a_cached_result_shows_the_photo_that_it_is_cached_for(
    is_restored: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The key is overwritten before the provider reads; other uploads reuse the result."""
    world = without_versions(reuse=True)
    first = world.arrives("a.jpg", png(salt=1))
    waits = world.arrives("b.jpg", png(salt=1))
    world.arrives("a.jpg", png(salt=2))
    assert read_by_the_provider(world) == png(salt=1)
    finish(world, first)
    assert world.job(first).state is State.SUPERSEDED
    other = world.arrives("a.jpg", png(salt=1)) if is_restored else waits
    world.deliver_all()
    done = world.job(other)
    assert done.reused is not None
    assert (done.state, done.reused.job_id) == (State.COMPLETED, first.id)


def test_a_failed_transfer_is_recorded_with_its_error() -> None:
    """The operator finds the network's own message."""
    world = through_files()
    world.files.answers.append(NotSent(message="ConnectError"))
    job = world.arrives()
    assert (job.reason, job.message) == (Reason.BACKING_OFF, "ConnectError")


def test_a_call_refused_for_its_link_is_repeated_after_a_delay() -> None:
    """The Files API may be as busy as the server that could not read the link."""
    world = World()
    refused = refusal(status=400, code="invalid_media_url", message="unreadable")
    world.evolink.create_faults.append(answering(refused))
    job = world.arrives()
    assert job.reason is Reason.TASK_RETRIED
    assert job.due_at == world.clock.now() + timedelta(seconds=5)
