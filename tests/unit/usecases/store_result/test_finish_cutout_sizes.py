"""The size of a cut-out whose photo was enlarged or reduced for the model."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.recipes import Recipe
from cutout.domain.states import Pixels, State
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import World

TINY = tiff(60, 40)
"""Prepare sends it as 360 x 240."""
LARGE = tiff(8000, 4000)
"""Prepare sends it as 2236 x 1118."""


def finished(world: World, photo: bytes, result: bytes) -> Job:
    """A job whose photo was prepared and for which the model returned this result."""
    job = world.arrives("a.tif", photo)
    world.deliver_all()
    world.evolink.complete(world.task_of(job), result)
    return world.check_task(job)


def size(job: Job) -> tuple[int, int] | None:
    """The recorded size of the cut-out."""
    return (job.result.width, job.result.height) if job.result else None


def published(world: World) -> str:
    """The published cut-out: format, size and how it was made."""
    return world.results.objects["a.png"].data.decode()


@pytest.mark.parametrize(
    ("pixels", "how"), [(Pixels.MODEL, "upright"), (Pixels.SOURCE, "faithful")]
)
def test_the_cut_out_of_an_enlarged_photo_has_the_photos_own_size(pixels: Pixels, how: str) -> None:
    """The enlargement was only for the model; the job records the true size."""
    world = World(pixels=pixels)
    job = finished(world, TINY, b"png 360 240 0 255")
    assert (job.state, size(job)) == (State.COMPLETED, (60, 40))
    assert published(world).startswith(f"png 60 40 0 255 {how} ")


@pytest.mark.parametrize("pixels", Pixels)
def test_the_same_enlarged_photo_again_has_its_own_size_too(pixels: Pixels) -> None:
    """It is completed from the cached result, which has the size that the model returned."""
    world = World(pixels=pixels, reuse=True)
    finished(world, TINY, b"png 360 240 0 255")
    again = world.arrives("b.tif", TINY)
    world.deliver_all()
    job = world.job(again)
    assert (job.state, size(job)) == (State.COMPLETED, (60, 40))
    assert job.reused is not None
    assert len(world.evolink.charges) == 1


@pytest.mark.parametrize(
    ("pixels", "expected"), [(Pixels.MODEL, (2236, 1118)), (Pixels.SOURCE, (8000, 4000))]
)
def test_the_cut_out_of_a_reduced_photo_is_as_large_as_its_pixels(
    pixels: Pixels, expected: tuple[int, int]
) -> None:
    """The model's pixels have the size of its result; the photo's own have the full size."""
    world = World(pixels=pixels)
    job = finished(world, LARGE, b"png 2236 1118 0 255")
    assert (job.state, size(job)) == (State.COMPLETED, expected)


def test_the_result_of_a_reduced_photo_stays_unchanged() -> None:
    """It is not decoded and encoded again."""
    world = World()
    finished(world, LARGE, b"png 2236 1118 0 255")
    assert published(world).split()[:5] == ["png", "2236", "1118", "0", "255"]
    assert "upright" not in published(world)


def test_a_result_smaller_than_the_enlarged_photo_is_not_enlarged() -> None:
    """No pixels are invented."""
    job = finished(World(), TINY, b"png 48 32 0 255")
    assert (job.state, size(job)) == (State.COMPLETED, (48, 32))


def test_a_result_on_its_side_is_not_squeezed_into_the_photos_shape() -> None:
    """It is wrong, and the operator must see that."""
    world = World()
    job = finished(world, tiff(60, 40, orientation=6), b"png 240 360 0 255")
    assert (job.state, job.reason) == (State.REVIEW, Reason.RESULT_ASPECT_DIFFERS)
    assert job.result is not None
    assert size(job) == (240, 360)


def test_variants_with_the_models_pixels_have_the_photos_size_as_well() -> None:
    """A recipe starts from the finished cut-out, whichever pixels it uses."""
    recipes = (Recipe(name="models", pixels=Pixels.MODEL), Recipe(name="own"))
    world = World(pixels=Pixels.SOURCE, recipes=recipes)
    job = finished(world, TINY, b"png 360 240 0 255")
    assert [(one.recipe, one.width, one.height) for one in job.variants] == [
        ("models", 60, 40),
        ("own", 60, 40),
    ]
