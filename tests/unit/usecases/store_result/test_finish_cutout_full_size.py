"""A cut-out with its photo's own pixels waits a while for their copy, and is paid for once."""

from __future__ import annotations

from datetime import timedelta

from cutout.domain.job.job import Job
from cutout.domain.messages.preparation import CopyKind
from cutout.domain.messages.queue_messages import RenderRequest
from cutout.domain.reasons import Reason
from cutout.domain.recipes import Recipe
from cutout.domain.states import Pixels, State
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import World

FULL = Recipe(name="full", pixels=Pixels.SOURCE)
HOUR = timedelta(hours=1)
NO_COPY = "the photo's own pixels cannot be used: no copy of the photo could be made"


def paid_without_copy(world: World) -> Job:
    """A job whose task has ended and whose copy of the photo is missing."""
    job = world.arrives()
    world.deliver_all()
    world.evolink.complete(world.task_of(job), CUT_OUT)
    world.copies.objects.clear()
    return world.check_task(job)


def test_a_result_waits_for_the_copy_to_be_made_again() -> None:
    """Nothing is published yet; Prepare sends no report, so the job waits for its due time."""
    world = World(pixels=Pixels.SOURCE)
    job = paid_without_copy(world)
    assert (job.state, job.reason) == (State.STORING, Reason.PREPARING)
    assert world.results.objects == {}
    (request,) = world.preparations.requests
    assert (request.job_id, request.ask) == (job.id, None)
    assert request.wanted == (CopyKind.FULL_SIZE,)
    world.passes(HOUR)
    done = world.job(job)
    assert done.result is not None
    assert (done.result.pixels, done.result.remark) == (Pixels.SOURCE, None)
    assert len(world.evolink.charges) == 1


def test_a_result_whose_copy_never_comes_is_published_with_the_models_pixels() -> None:
    """After six waits, with a remark, and paid for once."""
    world = World(pixels=Pixels.SOURCE)
    job = paid_without_copy(world)
    asked = 0
    while world.job(job).state is State.STORING:
        asked += len(world.preparations.requests)
        world.preparations.requests.clear()
        world.clock.advance_to(world.job(job).due_at or world.clock.now())
        world.check_task(job, is_poll=True)
    done = world.job(job)
    assert (asked, done.state) == (6, State.COMPLETED)
    assert done.result is not None
    assert (done.result.pixels, done.result.remark) == (Pixels.MODEL, NO_COPY)
    assert len(world.evolink.charges) == 1


def completed(world: World) -> Job:
    """A completed job with the model's pixels whose photo's copies are missing."""
    job = world.arrives()
    world.deliver_all()
    world.evolink.complete(world.task_of(job), CUT_OUT)
    done = world.check_task(job)
    world.copies.objects.clear()
    return done


def test_a_variant_waits_for_the_copy_to_be_made_again() -> None:
    """The request is sent again with a delay."""
    world = World(recipes=(FULL,))
    job = completed(world)
    world.render.render(RenderRequest(job_id=job.id, recipes=("full",)))
    assert world.job(job) == job
    (again,) = world.callbacks.requests
    assert again == RenderRequest(job_id=job.id, recipes=("full",), tries=1)
    world.deliver_all()
    world.clock.advance(HOUR)
    world.render.render(again)
    (variant,) = world.job(job).variants
    assert (variant.key, variant.problem) == ("a.full.png", None)
    assert variant.made_at == world.clock.now()
    assert len(world.callbacks.requests) == 1


def test_a_variant_whose_copy_never_comes_records_the_problem() -> None:
    """After six waits, each twice as long as the one before, within the longest delay of SQS."""
    world = World(recipes=(FULL,))
    job = completed(world)
    wish = RenderRequest(job_id=job.id, recipes=("full",))
    world.render.render(wish)
    while world.callbacks.requests:
        wish = world.callbacks.requests.pop()
        world.render.render(wish)
    assert wish.tries == len(world.preparations.requests) == 6
    assert [int(delay.total_seconds()) for delay in world.callbacks.delays] == [
        *(15, 30, 60, 120, 240, 480)
    ]
    (variant,) = world.job(job).variants
    assert variant.problem == "no copy of the photo could be made"
