"""The newest upload of a key wins, in whatever order events, callbacks and sweeps come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from cutout.domain.gate.gate import Limits
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.provider_outcomes import NotSent, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.evolink import answering
from tests.support.fakes.world import KEY_SALT, LIMITS, TIMING, World, png

MINUTE = timedelta(minutes=1)
NONE_RUN = replace(LIMITS, max_in_flight=0)
Event = Callable[[World], object]


def uploaded(source: Source) -> Event:
    """An S3 event for a created object."""

    def take(world: World) -> None:
        job = world.registered(source)
        assert job is not None
        world.submit.advance(job)

    return take


def finish_all(world: World) -> None:
    """Complete every running task and deliver every callback."""
    for job in list(world.jobs.jobs.values()):
        if job.state is State.PROCESSING:
            world.evolink.complete(world.task_of(job))
            world.check_task(job)


def ends(world: World, job_id: str) -> tuple[State, Reason | None]:
    """State and reason of the job."""
    job = world.jobs.jobs[job_id]
    return job.state, job.reason


NEWER = (State.SUPERSEDED, Reason.NEWER_UPLOAD)
DELETED = (State.SUPERSEDED, Reason.SOURCE_DELETED)
DONE = (State.COMPLETED, None)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize(
    ("deleted_at", "newer_ends"),
    [(0, State.COMPLETED), (1, State.COMPLETED), (2, State.SUPERSEDED)],
)
def test_the_last_event_of_a_key_wins_in_any_order_of_delivery(
    deleted_at: int,
    newer_ends: State,
    order: tuple[int, ...],
) -> None:
    """Two uploads, with a deletion before, between or after them; S3's sequencer decides."""
    world = World()
    events: list[Event] = []
    uploads: list[Source] = []
    for turn in range(3):
        if turn == deleted_at:
            gone = world.uploads.remove("a.jpg")
            events.append(lambda world, gone=gone: world.register_upload.deleted(gone))  # type: ignore[misc]
        else:
            uploads.append(world.uploads.add("a.jpg", png(salt=turn)))
            events.append(uploaded(uploads[-1]))
    for place in order:
        events[place](world)
    finish_all(world)
    older, newer = (world.jobs.jobs[source.job_id] for source in uploads)
    assert (older.state, newer.state) == (State.SUPERSEDED, newer_ends)
    stored_for = [stored.labels.metadata["cutout-job"] for _, stored in world.results.puts]
    assert stored_for == ([newer.id] if newer_ends is State.COMPLETED else [])


def test_an_upload_whose_event_comes_after_a_newer_one_is_not_paid_for() -> None:
    """The older upload is superseded before a call is made."""
    world = World()
    older, newer = (world.uploads.add("a.jpg", png(salt=salt)) for salt in (1, 2))
    uploaded(newer)(world)
    uploaded(older)(world)
    assert ends(world, older.job_id) == NEWER
    assert [charge.key for charge in world.evolink.charges] == [
        f"cutout-{newer.job_id}-1-{KEY_SALT}"
    ]


def test_sequencers_of_different_lengths_compare_as_s3_defines() -> None:
    """The shorter is padded with zeros on its right: 0A9 is later than 0A8FF."""
    world = World()
    older = replace(world.uploads.add("a.jpg", png(salt=1)), sequencer="0A8FF")
    newer = replace(world.uploads.add("a.jpg", png(salt=2)), sequencer="0A9")
    uploaded(newer)(world)
    uploaded(older)(world)
    assert ends(world, older.job_id) == NEWER
    assert world.jobs.jobs[newer.job_id].state is State.PROCESSING


def test_an_event_of_another_key_does_not_end_a_job() -> None:
    """Deleting `b.jpg` does not end the job of `a.jpg`."""
    world = World()
    job = world.arrives("a.jpg")
    world.register_upload.deleted(world.uploads.remove("b.jpg"))
    finish_all(world)
    assert ends(world, job.id) == DONE


def waits_at_the_gate(world: World) -> Job:
    """A job that waits because no slot is free."""
    world.jobs.gate = replace(world.jobs.read_gate(), limits=NONE_RUN)
    return world.arrives()


def backs_off(world: World) -> Job:
    """A job whose call was not sent."""
    world.evolink.create_faults.append(answering(NotSent(message="ConnectError")))
    return world.arrives()


def is_unconfirmed(world: World) -> Job:
    """A job whose call has an unknown outcome."""
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    return world.arrives()


def failed_and_will_retry(world: World) -> Job:
    """A job whose task failed and which will make another attempt."""
    job = world.arrives()
    world.evolink.fail(world.task_of(job), "service_error")
    return world.check_task(job)


in_any_standing = pytest.mark.parametrize(
    "standing",
    [waits_at_the_gate, backs_off, is_unconfirmed, failed_and_will_retry],
)


@in_any_standing
@pytest.mark.parametrize("is_deletion", [True, False])
def test_no_further_call_is_made_for_a_superseded_job(
    standing: Callable[[World], Job],
    is_deletion: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """In whatever state the newer event finds it."""
    world = World()
    job = standing(world)
    posts = len(world.evolink.posts)
    if is_deletion:
        world.register_upload.deleted(world.uploads.remove("a.jpg"))
    else:
        world.registered(world.uploads.add("a.jpg", b"not a photo"))
    world.jobs.gate = replace(world.jobs.read_gate(), limits=None)
    world.passes(TIMING.unconfirmed_grace + 5 * MINUTE)
    assert ends(world, job.id) == (DELETED if is_deletion else NEWER)
    assert len(world.evolink.posts) == posts


@in_any_standing
@pytest.mark.parametrize("is_deletion", [True, False])
def test_a_photo_that_its_key_shows_again_is_processed(
    standing: Callable[[World], Job],
    is_deletion: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Its delete marker, or the version above it, was deleted, of which no event tells."""
    world = World()
    job = standing(world)
    posts = len(world.evolink.posts)
    if is_deletion:
        world.register_upload.deleted(world.uploads.remove("a.jpg"))
        world.uploads.restore("a.jpg")
    else:
        newer = world.uploads.add("a.jpg", b"not a photo")
        world.registered(newer)
        world.uploads.destroy(newer)
    world.jobs.gate = replace(world.jobs.read_gate(), limits=None)
    world.passes(TIMING.unconfirmed_grace + 5 * MINUTE)
    assert len(world.evolink.posts) == posts + 1
    assert world.job(job).state is State.PROCESSING


def test_failed_task_of_a_photo_that_is_shown_again_is_announced_and_noted() -> None:
    """Its job ends as any other does."""
    world = World()
    job = world.arrives()
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    world.uploads.restore("a.jpg")
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    assert world.check_task(job).state is State.FAILED
    assert [one.state for one in world.announcements.jobs] == [State.FAILED]
    assert list(world.notes.stored) == ["a.jpg.error.json"]


def test_a_failed_task_of_a_superseded_job_is_not_tried_again() -> None:
    """The error code would allow another attempt; the newer event forbids it."""
    world = World()
    job = world.arrives()
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    world.evolink.fail(world.task_of(job), "service_error")
    assert (world.check_task(job).state, world.job(job).reason) == DELETED


def test_a_superseded_job_is_not_announced_and_frees_its_slot() -> None:
    """The newer upload of the key is announced instead."""
    world = World(limits=Limits(max_in_flight=1, daily_credit_cap=LIMITS.daily_credit_cap))
    job = world.arrives()
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    finish_all(world)
    gate = world.jobs.gate
    assert gate is not None
    assert (ends(world, job.id), gate.in_flight) == (DELETED, 0)
    assert world.announcements.jobs == []
    assert world.job(job).due_at is None
