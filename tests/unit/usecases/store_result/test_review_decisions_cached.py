"""Whether a result that an operator decided on is reused for the same photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.result import Verdict
from cutout.domain.job.source import Photo
from cutout.domain.reasons import Reason
from cutout.domain.recipes import Recipe
from cutout.domain.states import Pixels, State
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook, WorkerCrashedError

ANN = "arn:aws:iam::123456789012:user/ann"
OPAQUE = b"png 600 400 255 255"
CUT_OUT = b"png 600 400 0 255"


def reviewed(world: World, result: bytes = OPAQUE) -> Job:
    """A job whose result fails the checks."""
    job = world.arrives("a.jpg")
    world.deliver_all()
    world.evolink.complete(world.task_of(job), result)
    return world.check_task(job)


def reviewed_when_finished(world: World) -> Job:
    """A job whose result passes the first check and is cached, but fails when it is finished."""
    job = world.arrives("a.jpg")
    world.deliver_all()
    photo = world.job(job).photo
    assert photo is not None
    world.jobs.jobs[job.id] = replace(world.job(job), photo=_turned(photo))
    world.evolink.complete(world.task_of(job), CUT_OUT)
    return world.check_task(job)


def _turned(photo: Photo) -> Photo:
    return replace(photo, width=400, height=600, orientation=6)


def decided(world: World, job: Job, verdict: Verdict) -> Job:
    """The job after a decision was carried out."""
    assert world.reviews.decide(world.job(job), verdict, ANN).problem is None
    world.deliver_all()
    return world.job(job)


def uploaded_again(world: World) -> Job:
    """A job of the same photo under another key."""
    job = world.arrives("b.jpg")
    world.deliver_all()
    return world.job(job)


@pytest.mark.parametrize("result", [OPAQUE, b"jpeg 600 400 -1 -1", b"png 90 60 0 255"])
def test_an_accepted_result_is_reused_for_the_same_photo(result: bytes) -> None:
    """Nothing is paid or reviewed again, and the job names the job of the result."""
    world = World(reuse=True)
    first = decided(world, reviewed(world, result), Verdict.ACCEPT)
    again = uploaded_again(world)
    assert (again.state, again.reason, again.decision) == (State.COMPLETED, None, None)
    assert again.reused is not None
    assert again.reused.job_id == first.id
    assert again.reused.task_id == world.task_of(first)
    assert again.reused.credits_saved == first.credits
    assert not again.credits
    assert len(world.evolink.charges) == 1
    assert world.results.objects["b.png"].data == world.results.objects["a.png"].data


@pytest.mark.parametrize("pixels", Pixels)
def test_a_doubtful_cached_result_is_reused_once_an_operator_accepted_it(
    pixels: Pixels,
) -> None:
    """It stays as the provider returned it, so that each job can finish it."""
    world = World(reuse=True, pixels=pixels)
    job = reviewed_when_finished(world)
    assert job.reason is Reason.RESULT_ASPECT_DIFFERS
    kept = dict(world.cached_results.objects)
    decided(world, job, Verdict.ACCEPT)
    again = uploaded_again(world)
    assert (again.state, len(world.evolink.charges)) == (State.COMPLETED, 1)
    assert (world.cached_results.objects, world.cached_results.writes) == (kept, 1)


def test_a_result_with_the_photos_own_pixels_is_not_cached() -> None:
    """They would be applied twice; the provider's file is no longer in the cache."""
    world = World(reuse=True, pixels=Pixels.SOURCE)
    job = reviewed_when_finished(world)
    world.cached_results.objects.clear()
    world.dedup_records.items.clear()
    assert job.result is not None
    assert job.result.pixels is Pixels.SOURCE
    assert decided(world, job, Verdict.ACCEPT).state is State.COMPLETED
    assert world.cached_results.objects == {}
    assert uploaded_again(world).state is State.PROCESSING


@pytest.mark.parametrize("make", [reviewed, reviewed_when_finished])
def test_a_rejected_result_is_never_reused(make: Callable[[World], Job]) -> None:
    """The next upload is paid for."""
    world = World(reuse=True)
    job = make(world)
    decided(world, job, Verdict.REJECT)
    again = uploaded_again(world)
    assert (again.state, len(world.evolink.charges)) == (State.PROCESSING, 2)


@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_on_a_reused_result_counts_for_all_jobs(verdict: Verdict) -> None:
    """Accepted, it stays the result of the first job; rejected, it is not reused any more."""
    world = World(reuse=True)
    first = world.arrives("a.jpg")
    world.deliver_all()
    world.evolink.complete(world.task_of(first), CUT_OUT)
    world.check_task(first)
    second = uploaded_again(world)
    assert second.result is not None
    world.results.objects["review/b.png"] = world.results.objects["b.png"]
    world.jobs.jobs[second.id] = replace(
        second,
        state=State.REVIEW,
        reason=Reason.RESULT_EMPTY,
        result=replace(second.result, key="review/b.png"),
    )
    decided(world, second, verdict)
    third = world.arrives("c.jpg")
    world.deliver_all()
    third = world.job(third)
    if verdict is Verdict.REJECT:
        assert (third.state, len(world.evolink.charges)) == (State.PROCESSING, 2)
        return
    assert third.state is State.COMPLETED
    assert third.reused is not None
    assert (third.reused.job_id, third.reused.is_accepted) == (first.id, True)
    assert third.reused.credits_saved == world.job(first).credits


def test_uploads_during_a_decision_wait_for_it() -> None:
    """They get the accepted result at once; nothing is paid."""
    world = World(reuse=True)
    job = reviewed(world)
    world.reviews.decide(world.job(job), Verdict.ACCEPT, ANN)
    waiting = world.arrives("b.jpg")
    assert world.job(waiting).reason is Reason.SAME_PICTURE
    world.deliver_all()
    assert world.job(waiting).state is State.COMPLETED
    assert len(world.evolink.charges) == 1


@pytest.mark.parametrize(
    "step", ["kept.put", "kept.put done", "purchases.cache", "purchases.cache done", "results.put"]
)
def test_a_crash_while_an_accepted_result_is_cached_is_repaired(
    step: str,
) -> None:
    """The steps are repeated once the lease has expired."""
    hook = Hook()
    world = World(reuse=True, step=hook)
    job = reviewed(world)
    world.reviews.decide(world.job(job), Verdict.ACCEPT, ANN)
    hook.crash_at(step)
    with pytest.raises(WorkerCrashedError):
        world.deliver_all()
    world.passes(3 * TIMING.lease)
    assert world.job(job).state is State.COMPLETED
    again = uploaded_again(world)
    assert (again.state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_the_result_of_a_call_running_during_a_decision_replaces_the_accepted_one() -> None:
    """It passes the checks or not by itself."""
    world = World(reuse=True)
    job = reviewed(world)
    other = uploaded_again(world)
    assert other.state is State.PROCESSING
    decided(world, job, Verdict.ACCEPT)
    (record,) = world.dedup_records.items.values()
    assert record.kept is not None
    assert (record.owner, record.kept.job_id) == (other.id, job.id)
    world.evolink.complete(world.task_of(other), CUT_OUT)
    world.check_task(other)
    third = world.arrives("c.jpg", png())
    world.passes(timedelta(minutes=1))
    reused = world.job(third).reused
    assert reused is not None
    assert (reused.job_id, reused.is_accepted) == (other.id, False)


def test_a_job_that_waits_for_a_call_running_meanwhile_uses_the_accepted_result() -> None:
    """It is enqueued with the decision, and waits neither for that call nor for its due time."""
    world = World(reuse=True)
    job = reviewed_when_finished(world)
    assert uploaded_again(world).state is State.PROCESSING
    waiting = world.arrives("c.jpg")
    assert waiting.reason is Reason.SAME_PICTURE
    decided(world, job, Verdict.ACCEPT)
    assert world.job(waiting).state is State.COMPLETED


def test_an_accepted_result_is_reused_if_the_call_running_meanwhile_fails() -> None:
    """The photo was paid for, and an operator accepted its result."""
    world = World(reuse=True)
    job = reviewed(world)
    other = uploaded_again(world)
    decided(world, job, Verdict.ACCEPT)
    world.evolink.fail(world.task_of(other), "content_policy_violation")
    assert world.check_task(other).state is State.FAILED
    third = world.arrives("c.jpg", png())
    world.deliver_all()
    reused = world.job(third).reused
    assert reused is not None
    assert (reused.job_id, reused.is_accepted) == (job.id, True)


@pytest.mark.parametrize("verdict", [None, Verdict.REJECT])
def test_an_accepted_result_replaces_a_cached_one_that_may_not_be_reused(
    verdict: Verdict | None,
) -> None:
    """The doubtful or rejected result of a later call must not keep it out of the cache."""
    world = World(reuse=True)
    first = reviewed(world)
    second = uploaded_again(world)
    photo = second.photo
    assert photo is not None
    world.jobs.jobs[second.id] = replace(second, photo=_turned(photo))
    world.evolink.complete(world.task_of(second), CUT_OUT)
    assert world.check_task(second).state is State.REVIEW
    if verdict is not None:
        decided(world, second, verdict)
    decided(world, first, Verdict.ACCEPT)
    third = world.arrives("c.jpg")
    world.deliver_all()
    assert (world.job(third).state, len(world.evolink.charges)) == (State.COMPLETED, 2)
    reused = world.job(third).reused
    assert reused is not None
    assert (reused.job_id, reused.is_accepted) == (first.id, True)


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_variant_with_the_models_pixels_is_not_made_from_the_photos_own(
    is_cached: bool,  # noqa: FBT001 - the provider's file, when the decision is carried out
) -> None:
    """The accepted result already has the photo's pixels."""
    models = Recipe(name="models", pixels=Pixels.MODEL)
    world = World(reuse=True, pixels=Pixels.SOURCE, recipes=(models,))
    job = reviewed_when_finished(world)
    if not is_cached:
        world.cached_results.objects.clear()
    job = decided(world, job, Verdict.ACCEPT)
    assert (job.state, job.result and job.result.pixels) == (State.COMPLETED, Pixels.SOURCE)
    (variant,) = job.variants
    if is_cached:
        assert (variant.key, variant.problem) == ("a.models.png", None)
        assert b"faithful" in world.results.objects["a.png"].data
        assert b"faithful" not in world.results.objects["a.models.png"].data
    else:
        assert variant.problem == "the model's result is no longer cached"
