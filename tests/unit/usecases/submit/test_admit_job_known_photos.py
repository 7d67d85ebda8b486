"""A job whose photo was paid for, or is being paid for, finds out before it makes a call."""

from __future__ import annotations

import pytest

from cutout.domain.object_keys import kept_key
from cutout.domain.reasons import Reason
from cutout.domain.states import State, Transport
from tests.support.admitting import held, registered, sealed
from tests.support.deduplicating import deduplicating, finish
from tests.support.fakes.clock import START
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook


def photo_hash(world: World) -> str:
    """The SHA-256 of the only photo."""
    (record,) = world.dedup_records.items.values()
    return record.picture.partition("#")[0]


def test_a_job_finds_a_cached_result_through_the_failed_transaction() -> None:
    """No read, no slot, no charge: the failed transaction returns the record."""
    hook = Hook()
    world = deduplicating(hook)
    first = world.arrives("a.jpg")
    finish(world, first)
    shards = dict(world.jobs.shards)
    hook.seen.clear()
    job = world.arrives("b.jpg")
    assert (job.state, job.attempts) == (State.STORING, ())
    assert job.reused is not None
    assert (job.reused.job_id, job.reused.key) == (
        first.id,
        kept_key(first.id, 1),
    )
    assert "purchases.find" not in hook.seen
    assert (world.jobs.shards, len(world.evolink.posts)) == (shards, 1)


def test_a_job_does_not_read_again_the_record_that_its_transaction_returned() -> None:
    """The record allows the call, but meanwhile the slots were taken."""
    hook = Hook()
    world = deduplicating(hook)
    first = world.arrives("a.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    world.check_task(first)
    hook.seen.clear()
    hook.once_at("jobs.save", lambda: hook.once_at("gate.read", lambda: world.occupy(3)))
    job = world.arrives("b.jpg")
    assert held(job) == (State.QUEUED, Reason.GATE_FULL, True, 0)
    assert "purchases.find" not in hook.seen


def test_a_job_whose_photo_is_being_paid_for_waits_for_the_owner() -> None:
    """The owner enqueues it; a due time is the fallback. It takes no slot and is not charged."""
    world = deduplicating()
    world.arrives("a.jpg")
    job = world.arrives("b.jpg")
    assert held(job) == (State.QUEUED, Reason.SAME_PICTURE, False, 0)
    assert job.due_at == START + TIMING.poll_interval
    (record,) = world.dedup_records.items.values()
    assert record.waiting == (job.id,)
    assert (world.jobs.read_gate().in_flight, len(world.evolink.posts)) == (1, 1)


def test_a_job_about_to_wait_for_a_result_that_was_just_cached_uses_it() -> None:
    """Adding the job to the waiting list fails, since the record has changed: it decides again."""
    hook = Hook()
    world = deduplicating(hook)
    first = world.arrives("a.jpg")
    hook.once_at("purchases.save", lambda: finish(world, first))
    job = world.arrives("b.jpg")
    assert (job.state, job.reused is not None) == (State.STORING, True)
    assert len(world.evolink.posts) == 1


def test_a_job_whose_photos_record_expires_meanwhile_makes_the_call() -> None:
    """The failed transaction returns no record, and the next one writes a new record."""
    hook = Hook()
    world = deduplicating(hook)
    first = world.arrives("a.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    second = world.arrives("b.jpg")
    world.check_task(first)
    hook.once_at("jobs.save", world.dedup_records.items.clear)
    world.submit.advance(world.job(second))
    assert world.job(second).state is State.PROCESSING
    (record,) = world.dedup_records.items.values()
    assert (record.owner, record.version) == (second.id, 0)


@pytest.mark.parametrize(
    ("transport", "steps"),
    [
        (Transport.FILES, ["purchases.find", "files.upload", "jobs.save", "jobs.save done"]),
        (Transport.PRESIGNED, ["jobs.save", "jobs.save done"]),
    ],
)
def test_the_record_is_read_before_a_photo_is_uploaded_to_the_provider(
    transport: Transport, steps: list[str]
) -> None:
    """An unnecessary upload costs seconds; a link costs nothing, so no read is made for it."""
    hook = Hook()
    world = sealed(World(reuse=True, step=hook, transport=transport))
    job = registered(world)
    hook.seen.clear()
    before: list[str] = []
    hook.once_at("jobs.save done", lambda: before.extend(hook.seen))
    world.submit.advance(job)
    kinds = ("purchases", "files", "jobs.save")
    assert [step for step in before if step.startswith(kinds)] == steps


def test_a_photo_whose_call_is_running_is_not_uploaded_to_the_provider_again() -> None:
    """The record is read before the upload."""
    hook = Hook()
    world = World(reuse=True, step=hook, transport=Transport.FILES)
    world.arrives("a.jpg")
    assert world.arrives("b.jpg").reason is Reason.SAME_PICTURE
    assert hook.seen.count("files.upload") == 1


@pytest.mark.parametrize("is_full", [True, False])
def test_a_waiting_job_reads_the_record_first_and_once(
    is_full: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Its photo may have been paid for, and a failed transaction costs more than a read."""
    hook = Hook()
    world = deduplicating(hook)
    world.occupy(3)
    job = world.arrives()
    if not is_full:
        world.jobs.shards.clear()
    hook.seen.clear()
    world.submit.advance(job)
    assert world.job(job).is_waiting == is_full
    assert hook.seen.count("purchases.find") == 1
    read = hook.seen.index("purchases.find")
    assert "jobs.save" not in hook.seen[:read]
