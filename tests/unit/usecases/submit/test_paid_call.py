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
from cutout.domain.gate.gate import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import NotSent, Refused
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State, Transport
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, png
from tests.support.reusing import finish

MINUTE = timedelta(minutes=1)
UNFETCHABLE = ["image_processing_error", "invalid_media_url"]


def through_files() -> World:
    """A world that hands every photo over as a copy."""
    return World(transport=Transport.FILES)


def urls_posted(world: World) -> list[str]:
    """Where the provider was told to find the photo, call by call."""
    return [json.loads(body)["image_urls"][0] for _key, body in world.evolink.posts]


def test_a_link_tells_the_type_that_the_photo_has() -> None:
    """The file is a PNG, whatever its key ends in and its uploader called it."""
    world = World()
    world.arrives("a.jpg")
    assert "type=image/png&" in urls_posted(world)[0]


def test_a_copy_is_handed_over_before_the_call_and_named_in_it() -> None:
    """Its name is the attempt's own, since a name that is used again overwrites."""
    world = through_files()
    job = world.arrives()
    name = f"{job.id}-1.png"
    assert world.files.copies == {name: png()}
    assert urls_posted(world) == [f"https://files.example/{name}"]
    assert [a.file_id for a in job.attempts] == [name]


@pytest.mark.parametrize("is_success", [True, False])
def test_a_copy_is_deleted_when_its_attempt_is_over(
    is_success: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The photo does not stay on a public URL for longer than it is needed."""
    world = through_files()
    job = world.arrives()
    if is_success:
        world.evolink.complete(world.task_of(job))
    else:
        world.evolink.fail(world.task_of(job), "content_policy_violation")
    assert world.wake(job).state.is_settled
    assert (world.files.copies, world.files.deleted) == ({}, [f"{job.id}-1.png"])


def test_a_copy_stays_while_its_call_may_still_be_repeated() -> None:
    """The repeat carries the same body, so the copy that it names must be there."""
    world = through_files()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.passes(TIMING.unconfirmed_grace + MINUTE)
    assert list(world.files.copies) == [f"{job.id}-1.png"]
    assert len(set(world.evolink.posts)) == 1


@pytest.mark.parametrize("code", UNFETCHABLE)
def test_a_photo_that_the_provider_cannot_fetch_goes_through_the_files_api(code: str) -> None:
    """At once, not after a long wait, and the job stays with that way."""
    world = World()
    job = world.arrives()
    world.evolink.fail(world.task_of(job), code)
    again = world.wake(job)
    assert (again.state, again.reason, again.transport) == (
        State.QUEUED,
        Reason.TASK_RETRIED,
        Transport.FILES,
    )
    assert again.due_at is not None
    assert again.due_at - START < timedelta(seconds=8)
    world.passes(MINUTE)
    assert urls_posted(world)[1] == f"https://files.example/{job.id}-2.png"
    world.evolink.complete(world.task_of(job))
    assert (world.wake(job).state, world.job(job).credits) == (State.COMPLETED, PRICE)


@pytest.mark.parametrize("code", UNFETCHABLE)
def test_a_call_that_is_refused_for_its_link_goes_through_the_files_api(code: str) -> None:
    """The refusal cost nothing; slot and credits are given back until the copy is there."""
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
    assert urls_posted(world)[1] == f"https://files.example/{job.id}-2.png"


def test_a_copy_that_cannot_be_read_either_is_not_tried_for_ever() -> None:
    """The file itself is the trouble: once more, then failed with the API's code."""
    world = through_files()
    job = world.arrives()
    for _ in range(3):
        if world.job(job).state is State.PROCESSING:
            world.evolink.fail(world.task_of(job), "image_processing_error")
            world.wake(job)
        world.passes(3 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.code) == (State.FAILED, "image_processing_error")
    assert (len(failed.attempts), failed.credits) == (2, Decimal(0))


def test_a_photo_that_is_gone_when_its_copy_is_due_is_superseded() -> None:
    """It waited behind the gate, and its version was destroyed meanwhile."""
    world = through_files()
    running = [world.arrives(f"{number}.jpg") for number in range(3)]
    job = world.arrives("a.jpg")
    world.uploads.destroy(job.source)
    world.evolink.complete(world.task_of(running[0]))
    world.wake(running[0])
    world.settles()
    assert (world.job(job).state, world.job(job).reason) == (
        State.SUPERSEDED,
        Reason.SOURCE_DELETED,
    )
    assert len(world.evolink.posts) == 3


def refused_copy(answer: Refused | NotSent) -> tuple[World, Job]:
    """A photo whose copy the Files API does not take, once."""
    world = through_files()
    world.files.answers.append(answer)
    return world, world.arrives()


def test_a_copy_that_is_refused_for_good_fails_the_job_without_a_call() -> None:
    """Too large, or not a type that it takes: its code and message are kept."""
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
def test_a_closed_door_at_the_files_api_pauses_the_gate_as_anywhere(
    status: int,
    reason: PauseReason,
) -> None:
    """It is the same account; the photo waits behind the gate."""
    world, job = refused_copy(refusal(status=status, code="x", message="no"))
    pause = world.jobs.read_gate().pause
    assert pause is not None
    assert (pause.reason, pause.since) == (reason, START)
    assert world.telemetry.counts[Metric.GATE_PAUSED] == 1
    assert (job.state, job.reason, job.is_waiting) == (State.QUEUED, Reason.GATE_PAUSED, True)


def test_a_copy_that_could_not_be_handed_over_backs_off_outside_the_gate() -> None:
    """Nobody is kept waiting by it: the slot is taken only once the copy is there."""
    world, job = refused_copy(NotSent(message="ConnectError"))
    assert (job.state, job.reason, job.is_waiting) == (State.QUEUED, Reason.BACKING_OFF, False)
    assert world.jobs.read_gate().in_flight == 0
    assert world.advance(job) == job
    world.passes(MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_a_files_api_that_cannot_be_reached_fails_the_job_in_the_end() -> None:
    """Bounded like calls that do not leave."""
    world = through_files()
    world.files.answers.extend([NotSent(message="ConnectError")] * 100)
    job = world.arrives()
    world.passes(timedelta(hours=9))
    failed = world.job(job)
    assert (failed.state, failed.reason) == (State.FAILED, Reason.PROVIDER_UNREACHABLE)
    assert world.evolink.posts == []


def test_waiting_behind_the_gate_is_no_failed_handover() -> None:
    """However often a photo was looked at there, its first copy that fails is the first."""
    world = through_files()
    running = [world.arrives(f"{number}.jpg") for number in range(3)]
    job = world.job(world.arrives("a.jpg"))
    world.jobs.save(replace(job, tries=1000))
    world.files.answers.append(NotSent(message="ConnectError"))
    world.evolink.complete(world.task_of(running[0]))
    world.wake(running[0])
    world.settles()
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
    """A world whose uploads' bucket keeps no versions."""
    return World(uploads=MemoryUploads(is_versioned=False), **options)


def read_by_the_provider(world: World, number: int = 0) -> bytes:
    """What stands now where a call says that the photo is."""
    url = urlsplit(urls_posted(world)[number])
    if url.hostname == "work.example":
        return world.copies.objects[url.path[1:]]
    return world.uploads.versions[url.path[1:], ""].data


def overwritten(world: World) -> None:
    """Another photo takes the key."""
    world.uploads.add("a.jpg", png(salt=2))


def deleted(world: World) -> None:
    """Nothing is at the key."""
    world.uploads.remove("a.jpg")


@pytest.mark.parametrize("meanwhile", [overwritten, deleted])
def test_without_versions_the_provider_reads_a_copy_however_late_it_reads(
    meanwhile: Callable[[World], None],
) -> None:
    """A link to the upload would be to whatever stands at the key by then."""
    world = without_versions()
    world.arrives("a.jpg", png(salt=1))
    meanwhile(world)
    assert read_by_the_provider(world) == png(salt=1)


def test_with_versions_the_provider_reads_the_upload_itself() -> None:
    """A version cannot be overwritten, and nothing has to be copied."""
    world = World()
    job = world.arrives()
    assert world.copies.objects == {}
    assert urls_posted(world)[0].startswith(
        f"https://uploads.example/a.jpg?v={job.source.version_id}"
    )


@pytest.mark.parametrize("transport", Transport)
def test_without_versions_an_upload_that_is_overwritten_is_not_handed_over(
    transport: Transport,
) -> None:
    """It was looked at, and waited behind the gate: nothing is paid for what is there now."""
    world = without_versions(transport=transport)
    world.operate.pause()
    job = world.arrives("a.jpg", png(salt=1))
    overwritten(world)
    world.operate.resume()
    world.settles()
    assert (world.job(job).state, world.job(job).reason) == (
        State.SUPERSEDED,
        Reason.SOURCE_DELETED,
    )
    assert world.evolink.posts == []


def test_what_is_copied_is_what_was_looked_at() -> None:
    """The checksum under which the result is kept is compared before the call is paid."""
    world = without_versions()
    world.operate.pause()
    job = world.arrives()
    assert job.photo is not None
    photo = replace(job.photo, sha256="00" * 32)
    world.jobs.jobs[job.id] = replace(job, photo=photo)
    world.operate.resume()
    world.settles()
    assert world.job(job).state is State.SUPERSEDED
    assert (world.evolink.posts, world.copies.objects) == ([], {})


@pytest.mark.parametrize("is_restored", [True, False])
def test_a_result_that_is_kept_shows_the_photo_that_it_is_kept_for(
    is_restored: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The key is overwritten before the provider reads; who has the first photo gets it cut out."""
    world = without_versions(reuse=True)
    first = world.arrives("a.jpg", png(salt=1))
    waits = world.arrives("b.jpg", png(salt=1))
    world.arrives("a.jpg", png(salt=2))
    assert read_by_the_provider(world) == png(salt=1)
    finish(world, first)
    assert world.job(first).state is State.SUPERSEDED
    other = world.arrives("a.jpg", png(salt=1)) if is_restored else waits
    world.settles()
    done = world.job(other)
    assert done.reused is not None
    assert (done.state, done.reused.job_id) == (State.COMPLETED, first.id)


def test_a_copy_that_did_not_leave_says_why_on_the_row() -> None:
    """The person who looks finds the network's own word."""
    world = through_files()
    world.files.answers.append(NotSent(message="ConnectError"))
    job = world.arrives()
    assert (job.reason, job.message) == (Reason.BACKING_OFF, "ConnectError")


def test_a_call_that_is_refused_for_its_link_is_made_again_after_a_moment() -> None:
    """The Files API may be as busy as the server that could not read the link."""
    world = World()
    refused = refusal(status=400, code="invalid_media_url", message="unreadable")
    world.evolink.create_faults.append(answering(refused))
    job = world.arrives()
    assert job.reason is Reason.TASK_RETRIED
    assert job.due_at == world.clock.now() + timedelta(seconds=5)
