"""Variants that an operator requests again: from which cut-out, until when, and in which job."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import RenderRequest
from cutout.domain.photo.photo_and_result_checks import Picture
from cutout.domain.recipes import Recipe
from cutout.domain.states import Pixels, State
from cutout.ports.jobs_table import JobMovedError
from tests.support.fakes.evolink import FakePictures
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook

FIRST, SECOND = Recipe(name="first"), Recipe(name="second")
OWN = Recipe(name="own", pixels=Pixels.SOURCE)
SECOND_OF_TIME = timedelta(seconds=1)


def completed(world: World) -> Job:
    """A completed job."""
    job = world.arrives()
    world.deliver_all()
    world.evolink.complete(world.task_of(job))
    return world.check_task(job)


def render(world: World, job: Job, *names: str) -> dict[str, str | None]:
    """The key or problem of each variant after a request for these."""
    world.render.render(RenderRequest(job_id=job.id, recipes=names))
    return {one.recipe: one.key or one.problem for one in world.job(job).variants}


class SlowPictures(FakePictures):
    """Rendering that takes a while."""

    def __init__(self, world: World, delay: timedelta) -> None:
        super().__init__()
        self.world, self.delay = world, delay

    def render(self, cut_out: Path, recipe: Recipe, into: Path) -> Picture:
        """Render after a delay."""
        self.world.clock.advance(self.delay)
        return super().render(cut_out, recipe, into)


@pytest.mark.parametrize(
    ("delay", "second"),
    [
        (TIMING.lease / 2 - SECOND_OF_TIME, "a.second.png"),
        (TIMING.lease / 2, "there was no time left; `cutout render` makes it"),
    ],
)
def test_no_variant_is_started_after_half_of_a_lease(delay: timedelta, second: str) -> None:
    """The message is redelivered after a whole one."""
    world = World(recipes=(FIRST, SECOND))
    job = completed(world)
    slow = replace(world.render.variants, pictures=SlowPictures(world, delay))
    world.render = replace(world.render, variants=slow)
    told = render(world, job, "first", "second")
    assert told == {"first": "a.first.png", "second": second}


def test_an_overwritten_cut_out_is_not_used() -> None:
    """Its bytes are not those that the job records."""
    world = World(recipes=(FIRST,))
    job = completed(world)
    other = replace(world.results.objects["a.png"], data=b"png 600 400 0 255 other")
    world.results.objects["a.png"] = other
    gone = "the cut-out no longer exists"
    assert render(world, job, "first") == {"first": gone}


def test_a_cut_out_with_the_photos_pixels_needs_no_copy_of_the_photo() -> None:
    """Copies are deleted after a day."""
    world = World(recipes=(OWN,), pixels=Pixels.SOURCE)
    job = completed(world)
    world.copies.objects.clear()
    assert render(world, job, "own") == {"own": "a.own.png"}
    assert (world.preparations.requests, world.callbacks.requests) == ([], [])


@pytest.mark.parametrize(
    "facts", [{"state": State.REVIEW}, {"state": State.QUEUED}, {"result": None}]
)
def test_no_variant_is_made_for_a_job_that_is_not_completed(facts: dict[str, object]) -> None:
    """Or for a job of an earlier version that recorded no result."""
    world = World(recipes=(FIRST,))
    job = replace(completed(world), variants=(), **facts)  # type: ignore[arg-type]
    world.jobs.jobs[job.id] = job
    assert render(world, job, "first") == {}


@pytest.mark.parametrize(("races", "is_written"), [(2, True), (3, False)])
def test_variants_are_recorded_after_up_to_two_lost_races(
    races: int,
    is_written: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """After the third, the queue redelivers the message."""
    hook = Hook()
    world = World(recipes=(FIRST,), step=hook)
    job = completed(world)
    left = [races]

    def race() -> None:
        left[0] -= 1
        standing = world.job(job)
        world.jobs.jobs[job.id] = replace(standing, version=standing.version + 1)
        if left[0] > 0:
            hook.once_at("jobs.save", race)

    hook.once_at("jobs.save", race)
    if is_written:
        assert render(world, job, "first") == {"first": "a.first.png"}
    else:
        with pytest.raises(JobMovedError):
            render(world, job, "first")
    assert left == [0]


def test_a_job_that_expires_meanwhile_is_not_written_again() -> None:
    """There is no job to record the variants in."""
    hook = Hook()
    world = World(recipes=(FIRST,), step=hook)
    job = completed(world)
    hook.once_at("jobs.save", lambda: world.jobs.jobs.pop(job.id))
    world.render.render(RenderRequest(job_id=job.id, recipes=("first",)))
    assert world.jobs.jobs == {}
