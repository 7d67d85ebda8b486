"""A picture that was bought is reused: free, marked and counted, where results are kept."""

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
from tests.support.fakes.evolink import CUT_OUT, MODEL, PRICE
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook
from tests.support.reusing import bought, finish, kept_at, reusing, settled


def test_an_accepted_result_is_kept_as_it_came() -> None:
    """Under the SHA-256 of its source's bytes and the model."""
    world = reusing()
    job = finish(world, world.arrives(), b"webp 600 400 0 255")
    assert job.photo is not None
    assert kept_at(world) == kept_key(job.photo.sha256, MODEL)
    assert world.kept.objects[kept_at(world)].startswith(b"webp ")
    assert world.results.objects["a.png"].data.startswith(b"png ")


@pytest.mark.parametrize("key", ["b.jpg", "a.jpg"])
def test_the_same_picture_again_is_completed_free(key: str) -> None:
    """Under another key, or uploaded again: no call, no slot, no credits; marked and counted."""
    world = reusing()
    first = bought(world)
    job = settled(world, world.arrives(key))
    assert (job.state, job.attempts, job.credits) == (State.COMPLETED, (), Decimal(0))
    assert job.reused == Reuse(
        job_id=first.id,
        key=kept_at(world),
        sha256=world.bought.items[f"{first.photo.sha256}#{MODEL}"].kept.sha256,  # type: ignore[union-attr]
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
    """A paused gate holds back what is paid for, and nothing else."""
    world = reusing()
    bought(world)
    world.operate.pause()
    assert settled(world, world.arrives("b.jpg")).state is State.COMPLETED
    assert world.jobs.read_gate().in_flight == 0


def test_another_picture_is_bought() -> None:
    """One byte is enough."""
    world = reusing()
    bought(world)
    assert world.arrives("b.jpg", png(salt=1)).state is State.PROCESSING


def test_a_reused_photo_that_was_replaced_meanwhile_is_superseded() -> None:
    """As any other."""
    world = reusing()
    bought(world)
    job = world.arrives("b.jpg")
    world.arrives("b.jpg", png(salt=1))
    assert settled(world, job).state is State.SUPERSEDED


def test_with_the_switch_off_each_upload_is_bought_and_nothing_is_asked_or_kept() -> None:
    """No claim is read, and none written."""
    hook = Hook()
    world = World(step=hook)
    finish(world, world.arrives("a.jpg"))
    finish(world, world.arrives("b.jpg"))
    assert len(world.evolink.charges) == 2
    assert not [name for name in hook.seen if name.startswith(("purchases", "kept"))]


def test_a_job_writes_its_photos_record_with_its_admission_and_not_before() -> None:
    """However long it waits at the gate: until then, it blocks no other job."""
    hook = Hook()
    world = reusing(hook)
    world.operate.pause()
    job = world.arrives()
    for _ in range(3):
        world.submit.advance(world.job(job))
    assert world.bought.items == {}
    world.operate.resume()
    world.settles()
    (record,) = world.bought.items.values()
    assert (record.owner, record.version, record.expires_at) == (job.id, 0, None)
    assert "purchases.save" not in hook.seen


def test_what_was_kept_before_the_model_changed_is_not_reused() -> None:
    """Another model's cut-out is another purchase."""
    world = reusing()
    first = bought(world)
    deduplication = world.job_writer.deduplication
    assert deduplication is not None
    other = replace(deduplication, model="mj-v8.1-remove-bg")
    assert (deduplication.find(first) is None, other.find(first)) == (False, None)


def test_a_result_whose_doubt_shows_only_when_it_is_finished_is_not_reused() -> None:
    """It lies on its side: a person's retry buys another, as the note says."""
    world = reusing()
    job = world.arrives()
    photo = replace(world.job(job).photo, width=400, height=600, orientation=6)  # type: ignore[type-var]
    world.jobs.jobs[job.id] = replace(world.job(job), photo=photo)
    doubted = finish(world, job)
    assert doubted.reason is Reason.RESULT_ASPECT_DIFFERS
    (purchase,) = world.bought.items.values()
    assert purchase.kept is not None  # The deletion of the photo finds it by that.
    world.operate.retry(doubted)
    world.settles()
    assert (world.job(job).state, len(world.evolink.charges)) == (State.PROCESSING, 2)


def test_nor_is_one_that_a_retry_asked_for() -> None:
    """The job that brings it home is no buyer by then; the next retry buys another all the same."""
    world = reusing()
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
    (purchase,) = world.bought.items.values()
    assert purchase.kept is not None
    assert purchase.kept.is_doubted
    world.operate.retry(doubted)
    world.settles()
    assert (world.job(job).state, len(world.evolink.charges)) == (State.PROCESSING, 2)
