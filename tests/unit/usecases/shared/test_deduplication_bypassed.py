"""An operator or a label bypasses the cache and pays for a photo again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.job.job import Job
from cutout.domain.object_keys import BYPASS_CACHE_MARK
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State
from tests.support.deduplicating import (
    cached_result,
    deduplicating,
    finish,
    paid_photo,
    settled,
    upload_bypassing_cache,
)
from tests.support.fakes.evolink import MODEL, answering
from tests.support.fakes.world import LIMITS, World, png
from tests.support.hooks import Hook

MINUTE = timedelta(minutes=1)


def test_an_upload_that_bypasses_the_cache_is_paid_for_and_replaces_the_cached_result() -> None:
    """The object's metadata asks for it, and is not copied to the result."""
    world = deduplicating()
    paid_photo(world)
    job = upload_bypassing_cache(world)
    assert (job.state, job.bypass_cache) == (State.PROCESSING, True)
    finish(world, job)
    assert BYPASS_CACHE_MARK not in world.results.objects["b.png"].labels.metadata
    third = settled(world, world.arrives("c.jpg"))
    assert third.reused is not None
    assert third.reused.job_id == job.id
    assert len(world.evolink.charges) == 2


def test_the_cached_result_is_reused_while_a_job_that_bypasses_the_cache_runs() -> None:
    """No other job waits for the new result."""
    world = deduplicating()
    first = paid_photo(world)
    upload_bypassing_cache(world)
    job = settled(world, world.arrives("c.jpg"))
    assert job.reused is not None
    assert job.reused.job_id == first.id


def test_an_older_call_does_not_replace_the_result_of_a_job_that_bypassed_the_cache() -> None:
    """Whichever result is stored first, the result of the bypassing job stays in the cache."""
    world = deduplicating()
    old = world.arrives("a.jpg")
    fresh = upload_bypassing_cache(world)
    finish(world, fresh)
    finish(world, old)
    purchase = world.dedup_records.items[f"{fresh.photo.sha256}#{MODEL}"]  # type: ignore[union-attr]
    assert purchase.kept is not None
    assert purchase.kept.job_id == fresh.id
    assert cached_result(world).endswith(world.task_of(fresh).encode())


def test_an_older_result_does_not_overwrite_a_newer_one_stored_before_it() -> None:
    """The bypassing job stores and records its result just before the older result is written."""
    hook = Hook()
    world = deduplicating(hook)
    old = world.arrives("a.jpg")

    def bought_anew() -> None:
        fresh = upload_bypassing_cache(world)
        world.evolink.complete(world.task_of(fresh))
        world.check_task(fresh)

    hook.once_at("kept.put", bought_anew)
    finish(world, old)
    assert cached_result(world).endswith(b"000002")
    assert settled(world, world.arrives("c.jpg")).state is State.COMPLETED
    assert len(world.evolink.charges) == 2


def test_a_job_uses_the_cached_result_until_the_record_names_the_new_one() -> None:
    """Both files exist."""
    hook = Hook()
    world = deduplicating(hook)
    paid_photo(world)
    fresh = upload_bypassing_cache(world)
    others: list[Job] = []

    def comes_between() -> None:
        others.append(settled(world, world.arrives("c.jpg")))

    hook.once_at("kept.put done", comes_between)
    finish(world, fresh)
    assert others[0].state is State.COMPLETED
    assert len(world.evolink.charges) == 2


@pytest.mark.parametrize(("bypass_cache", "charges"), [(False, 2), (True, 3)])
def test_an_operators_retry_is_free_if_the_photo_was_cached_meanwhile(
    *,
    bypass_cache: bool,
    charges: int,
) -> None:
    """Unless the retry bypasses the cache."""
    world = deduplicating()
    first = world.arrives("a.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    failed = world.check_task(first)
    paid_photo(world, "b.jpg")
    world.operate.retry(failed, bypass_cache=bypass_cache)
    world.deliver_all()
    again = world.job(first)
    assert again.state is (State.PROCESSING if bypass_cache else State.COMPLETED)
    assert len(world.evolink.charges) == charges


def test_a_deleted_upload_that_bypassed_the_cache_causes_no_second_payment() -> None:
    """It is deleted at the gate, and the owner's result serves the other waiting job."""
    world = World(reuse=True, limits=replace(LIMITS, max_in_flight=1))
    first = world.arrives("a.jpg")
    other = world.arrives("b.jpg")
    assert other.reason is Reason.SAME_PICTURE
    fresh = upload_bypassing_cache(world, "fresh.jpg")
    assert (fresh.state, fresh.is_waiting) == (State.QUEUED, True)
    world.register_upload.deleted(world.uploads.remove("fresh.jpg"))
    finish(world, first)
    world.passes(30 * MINUTE)
    assert world.job(fresh).state is State.SUPERSEDED
    assert (world.job(other).state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_an_upload_that_bypasses_the_cache_and_waits_at_the_gate_is_paid_for() -> None:
    """A result that was cached meanwhile is not used; in the end, the new result is cached."""
    world = World(reuse=True, limits=replace(LIMITS, max_in_flight=1))
    first = world.arrives("a.jpg")
    fresh = upload_bypassing_cache(world, "fresh.jpg")
    finish(world, first)
    assert world.job(fresh).state is State.PROCESSING
    finish(world, world.job(fresh))
    assert world.job(fresh).reused is None
    (item,) = world.dedup_records.items.values()
    assert item.kept is not None
    assert (item.owner, item.kept.job_id) == (fresh.id, fresh.id)


def overtaken_at_the_gate() -> tuple[World, Job, Job]:
    """A backfilled job that waits for a slot, and a live one with its photo that was admitted."""
    world = World(reuse=True, limits=replace(LIMITS, max_in_flight=1))
    blocker = world.arrives("blocker.jpg", png(salt=77))
    found = world.registered(world.uploads.add("a.jpg", png()), lane=Lane.BACKFILL)
    assert found is not None
    first = world.advance(found)
    assert first.is_waiting
    fresh = upload_bypassing_cache(world, "fresh.jpg")
    world.submissions.job_ids.clear()
    finish(world, blocker)
    return world, world.job(first), world.job(fresh)


def test_a_job_waiting_at_the_gate_does_not_pay_for_a_photo_being_paid_for_meanwhile() -> None:
    """It waits for the result instead."""
    world, first, fresh = overtaken_at_the_gate()
    world.submit.advance(first)
    assert world.job(first).reason is Reason.SAME_PICTURE
    finish(world, fresh)
    world.passes(10 * MINUTE)
    done = world.job(first)
    assert (done.state, done.reused is not None) == (State.COMPLETED, True)
    assert [charge for charge in world.evolink.charges if first.id in charge.key] == []


def test_a_job_waiting_at_the_gate_does_not_pay_for_a_photo_that_was_paid_for_meanwhile() -> None:
    """It gets the free slot when the result is cached, and uses the result."""
    world, first, fresh = overtaken_at_the_gate()
    assert first.is_waiting
    finish(world, fresh)
    done = world.job(first)
    assert (done.state, done.reused is not None) == (State.COMPLETED, True)
    assert [charge for charge in world.evolink.charges if first.id in charge.key] == []


def test_a_refused_owner_does_not_pay_for_a_photo_being_paid_for_meanwhile() -> None:
    """Its call was refused and it waits at the gate, while it still owns the record."""
    world = World(reuse=True)
    refused = refusal(status=402, code="insufficient_quota", message="top up")
    world.evolink.create_faults.append(answering(refused))
    found = world.registered(world.uploads.add("a.jpg", png()), lane=Lane.BACKFILL)
    assert found is not None
    first = world.advance(found)
    assert (first.is_waiting, len(first.attempts)) == (True, 1)
    (record,) = world.dedup_records.items.values()
    assert record.owner == first.id
    world.operate.resume()
    world.submissions.job_ids.clear()
    fresh = upload_bypassing_cache(world, "fresh.jpg")
    assert fresh.state is State.PROCESSING
    world.passes(MINUTE)
    assert world.job(first).reason is Reason.SAME_PICTURE
    finish(world, fresh)
    assert world.job(first).state is State.COMPLETED
    assert len(world.evolink.charges) == 1


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_result_is_cached_until_that_of_another_owner_comes(
    is_refused: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """An upload that bypasses the cache is admitted just before the older result is recorded.

    Its call may fail: a third upload of the photo would be paid for.
    """
    hook = Hook()
    world = deduplicating(hook)
    first = world.arrives("a.jpg")
    fresh: list[Job] = []
    world.evolink.complete(world.task_of(first))
    hook.once_at("purchases.cache", lambda: fresh.append(upload_bypassing_cache(world, "b.jpg")))
    world.check_task(first)
    (item,) = world.dedup_records.items.values()
    assert item.kept is not None
    assert (item.owner, item.kept.job_id) == (fresh[0].id, first.id)
    if is_refused:
        world.evolink.fail(world.task_of(fresh[0]), "content_policy_violation")
        world.check_task(fresh[0])
    else:
        finish(world, fresh[0])
    third = settled(world, world.arrives("c.jpg"))
    assert third.reused is not None
    assert third.reused.job_id == (first.id if is_refused else fresh[0].id)


def test_an_older_result_does_not_overwrite_a_newer_one_that_is_not_recorded_yet() -> None:
    """The bypassing job has stored its object but not updated the record."""
    hook = Hook()
    world = deduplicating(hook)
    old = world.arrives("a.jpg")
    fresh = upload_bypassing_cache(world)
    for job in (old, fresh):
        world.evolink.complete(world.task_of(job))
    hook.once_at("purchases.cache", lambda: world.check_task(old))
    world.check_task(fresh)
    assert cached_result(world).endswith(world.task_of(fresh).encode())
    assert settled(world, world.arrives("c.jpg")).state is State.COMPLETED
    assert len(world.evolink.charges) == 2
