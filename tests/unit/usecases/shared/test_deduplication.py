"""A paid result is cached and reused for the same photo: free, marked and counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.job.result import Reuse
from cutout.domain.metrics import Metric
from cutout.domain.object_keys import kept_key
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.deduplicating import cached_key, deduplicating, finish, paid_photo, settled
from tests.support.fakes.evolink import CUT_OUT, MODEL, PRICE
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook


def test_an_accepted_result_is_cached_as_the_provider_sent_it() -> None:
    """The cache key is the SHA-256 of the photo and the model."""
    world = deduplicating()
    job = finish(world, world.arrives(), b"webp 600 400 0 255")
    assert job.photo is not None
    assert cached_key(world) == kept_key(job.id, 1)
    assert world.cached_results.objects[cached_key(world)].startswith(b"webp ")
    assert world.results.objects["a.png"].data.startswith(b"png ")


@pytest.mark.parametrize("key", ["b.jpg", "a.jpg"])
def test_the_same_photo_again_is_completed_free(key: str) -> None:
    """Under another key, or uploaded again: no call, no slot, no credits; marked and counted."""
    world = deduplicating()
    first = paid_photo(world)
    job = settled(world, world.arrives(key))
    assert (job.state, job.attempts, job.credits) == (State.COMPLETED, (), Decimal(0))
    assert job.reused == Reuse(
        job_id=first.id,
        key=cached_key(world),
        sha256=world.dedup_records.items[f"{first.photo.sha256}#{MODEL}"].kept.sha256,  # type: ignore[union-attr]
        task_id=world.task_of(first),
        credits_saved=PRICE,
    )
    assert [step.state for step in job.history] == [State.QUEUED, State.STORING, State.COMPLETED]
    stored = world.results.objects[key.replace("jpg", "png")]
    assert stored.data == CUT_OUT + b" " + world.task_of(first).encode()
    assert stored.labels.metadata["cutout-task"] == world.task_of(first)
    assert stored.labels.metadata["cutout-job"] == job.id
    assert len(world.evolink.posts) == 1
    assert (world.telemetry.counts[Metric.REUSED], world.telemetry.counts[Metric.ADMITTED]) == (
        1,
        1,
    )
    assert world.telemetry.counts[Metric.CREDITS_SAVED] == float(PRICE)
    assert world.announcements.jobs[-1].reused == job.reused


def test_reuse_needs_neither_a_slot_nor_an_open_gate() -> None:
    """A paused gate blocks only paid calls."""
    world = deduplicating()
    paid_photo(world)
    world.operate.pause()
    assert settled(world, world.arrives("b.jpg")).state is State.COMPLETED
    assert world.jobs.read_gate().in_flight == 0


def test_a_photo_that_differs_by_one_byte_is_paid_for() -> None:
    """Its hash differs."""
    world = deduplicating()
    paid_photo(world)
    assert world.arrives("b.jpg", png(salt=1)).state is State.PROCESSING


def test_a_job_with_a_cached_result_is_superseded_by_a_newer_upload() -> None:
    """Reuse changes nothing about the order of uploads."""
    world = deduplicating()
    paid_photo(world)
    job = world.arrives("b.jpg")
    world.arrives("b.jpg", png(salt=1))
    assert settled(world, job).state is State.SUPERSEDED


def test_with_reuse_off_each_upload_is_paid_for_and_nothing_is_cached() -> None:
    """No deduplication record or cached result is read or written."""
    hook = Hook()
    world = World(step=hook)
    finish(world, world.arrives("a.jpg"))
    finish(world, world.arrives("b.jpg"))
    assert len(world.evolink.charges) == 2
    assert not [name for name in hook.seen if name.startswith(("purchases", "kept"))]


def test_a_job_writes_its_deduplication_record_with_its_admission_and_not_before() -> None:
    """While it waits at the gate, it blocks no other job."""
    hook = Hook()
    world = deduplicating(hook)
    world.operate.pause()
    job = world.arrives()
    for _ in range(3):
        world.submit.advance(world.job(job))
    assert world.dedup_records.items == {}
    world.operate.resume()
    world.deliver_all()
    (record,) = world.dedup_records.items.values()
    assert (record.owner, record.version, record.expires_at) == (job.id, 0, None)
    assert "purchases.save" not in hook.seen


def test_a_result_cached_for_another_model_is_not_reused() -> None:
    """The model is part of the key."""
    world = deduplicating()
    first = paid_photo(world)
    deduplication = world.job_writer.deduplication
    assert deduplication is not None
    other = replace(deduplication, model="mj-v8.1-remove-bg")
    assert (deduplication.find(first) is None, other.find(first)) == (False, None)


def test_a_result_found_doubtful_when_it_is_finished_is_not_reused() -> None:
    """The result is turned on its side: the operator's retry makes a new call, as the note says."""
    world = deduplicating()
    job = world.arrives()
    photo = replace(world.job(job).photo, width=400, height=600, orientation=6)  # type: ignore[type-var]
    world.jobs.jobs[job.id] = replace(world.job(job), photo=photo)
    doubted = finish(world, job)
    assert doubted.reason is Reason.RESULT_ASPECT_DIFFERS
    (purchase,) = world.dedup_records.items.values()
    assert (
        purchase.kept is not None
    )  # assert purchase.kept is not None  # needed to delete the cached result with the photo
    world.operate.retry(doubted)
    world.deliver_all()
    assert (world.job(job).state, len(world.evolink.charges)) == (State.PROCESSING, 2)


def test_a_doubtful_result_recovered_by_a_retry_is_not_reused() -> None:
    """The result lies on its side: the operator's retry makes a new call, as the note says."""
    world = deduplicating()
    job = world.arrives()
    photo = replace(world.job(job).photo, width=400, height=600, orientation=6)  # type: ignore[type-var]
    world.jobs.jobs[job.id] = replace(world.job(job), photo=photo)
    world.pictures.faults["cut_out"] = "the photo cannot be decoded"
    world.passes(TIMING.job_deadline + timedelta(minutes=10))
    world.evolink.complete(world.task_of(job))
    world.operate.retry(world.job(job))
    world.passes(timedelta(minutes=1))
    doubted = world.job(job)
    assert (doubted.reason, len(world.evolink.charges)) == (Reason.RESULT_ASPECT_DIFFERS, 1)
    (purchase,) = world.dedup_records.items.values()
    assert purchase.kept is not None
    assert purchase.kept.is_doubted
    world.operate.retry(doubted)
    world.deliver_all()
    assert (world.job(job).state, len(world.evolink.charges)) == (State.PROCESSING, 2)
