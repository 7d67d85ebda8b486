"""Variants and the photo's own pixels: their problems never lose the paid cut-out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import RenderRequest
from cutout.domain.metrics import Metric
from cutout.domain.recipes import Fit, Recipe
from cutout.domain.states import Pixels, State
from tests.support.fakes.copier import tiff
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook
from tests.support.preparing import prepared

WEB = Recipe(name="web", format="webp", fit=Fit(width=30, height=20))
MARKET = Recipe(name="market", format="jpg", background="#ffffff", prefix="shoes/")
FULL = Recipe(name="full", pixels=Pixels.SOURCE)
MODELS = Recipe(name="models", pixels=Pixels.MODEL)
_UNKNOWN = "no recipe of this name applies to the photo"


def finish(world: World, job: Job, result: bytes = CUT_OUT) -> Job:
    """Make the copies, complete the task with this result, and deliver the callback."""
    world.deliver_all()
    world.evolink.complete(world.task_of(job), result)
    return world.check_task(job)


def outcome(job: Job) -> dict[str, str | None]:
    """The key or the problem of each variant."""
    return {one.recipe: one.key or one.problem for one in job.variants}


def test_variants_are_stored_beside_the_cut_out_with_its_labels() -> None:
    """Recipes that do not apply to the photo are skipped."""
    world = World(recipes=(WEB, MARKET))
    job = finish(world, world.arrives("shoes/red.jpg"))
    other = finish(world, world.arrives("hats/blue.jpg", png(salt=2)))
    assert outcome(job) == {"web": "shoes/red.web.webp", "market": "shoes/red.market.jpg"}
    assert outcome(other) == {"web": "hats/blue.web.webp"}
    cut_out, market = (world.results.objects[f"shoes/red.{it}"] for it in ("png", "market.jpg"))
    assert (market.content_type, market.labels) == ("image/jpeg", cut_out.labels)
    assert (job.variants[0].width, job.variants[0].height) == (30, 20)
    assert world.telemetry.counts[Metric.VARIANTS_MADE] == 3


def test_a_variant_that_cannot_be_made_affects_neither_the_cut_out_nor_the_others() -> None:
    """The job is completed and records the problem, and a metric counts it."""
    world = World(recipes=(WEB, MODELS))
    world.pictures.faults["web"] = "the margin leaves no room for the picture"
    job = finish(world, world.arrives())
    assert job.state is State.COMPLETED
    assert outcome(job) == {
        "web": "the margin leaves no room for the picture",
        "models": "a.models.png",
    }
    assert world.telemetry.counts[Metric.VARIANTS_FAILED] == 1


def test_the_cut_out_is_published_before_variants_are_made() -> None:
    """A slow variant must not delay it."""
    hook = Hook()
    world = World(step=hook, recipes=(WEB,))
    finish(world, world.arrives())
    assert [key for key, _ in world.results.puts] == ["a.png", "a.web.webp"]


@pytest.mark.parametrize(
    ("deployed", "chosen", "made"),
    [
        ((WEB, MODELS, MARKET), None, {"web": "a.web.webp", "models": "a.models.png"}),
        ((WEB, MODELS, MARKET), (), {}),
        ((WEB, MODELS, MARKET), ("models",), {"models": "a.models.png"}),
        ((WEB, MODELS, MARKET), ("market",), {"market": _UNKNOWN}),
        ((), ("web",), {"web": _UNKNOWN}),
    ],
)
def test_only_the_chosen_variants_are_made(
    deployed: tuple[Recipe, ...], chosen: tuple[str, ...] | None, made: dict[str, str]
) -> None:
    """A recipe for other photos does not apply to this one."""
    world = World(recipes=deployed)
    job = replace(world.arrives(), recipes=chosen)
    world.jobs.jobs[job.id] = job
    assert outcome(finish(world, job)) == made


def test_a_doubtful_result_has_no_variants() -> None:
    """An operator has to review it first."""
    world = World(recipes=(WEB,))
    job = finish(world, world.arrives(), b"png 600 400 255 255")
    assert (job.state, job.variants) == (State.REVIEW, ())


def test_two_photos_never_share_a_variants_key() -> None:
    """A cut-out at the key of a variant is left alone."""
    world = World(recipes=(Recipe(name="web"),))
    finish(world, world.arrives("a.web.jpg"))
    job = finish(world, world.arrives("a.jpg", png(salt=1)))
    (variant,) = job.variants
    assert variant.key is not None
    assert variant.key.startswith("a-")
    assert len(world.results.objects) == 4


def test_a_lease_about_to_expire_leaves_variants_to_an_operator() -> None:
    """The worker might crash and lose the paid result."""
    hook = Hook()
    world = World(step=hook, recipes=(WEB,))
    job = world.arrives()
    hook.once_at("downloads.fetch", lambda: world.clock.advance(TIMING.lease * 0.7))
    job = finish(world, job)
    assert job.state is State.COMPLETED
    assert outcome(job) == {"web": "there was no time left; `cutout render` makes it"}


def test_after_two_crashes_the_cut_out_is_stored_without_extras() -> None:
    """Too little memory stays too little, and the paid result must not be lost."""
    world = World(recipes=(WEB, MODELS), pixels=Pixels.SOURCE)
    job = replace(world.arrives(), recipes=("web", "nowhere"))
    world.jobs.jobs[job.id] = job
    world.deliver_all()
    world.evolink.complete(world.task_of(job))

    class KilledError(BaseException):
        """The process ends: no handler runs."""

    def crash(*_arguments: object) -> None:
        raise KilledError

    world.pictures.faithful_cut_out = crash  # type: ignore[method-assign, assignment]
    for _ in range(2):
        with pytest.raises(KilledError):
            world.check_task(job)
        world.clock.advance(TIMING.lease + timedelta(seconds=1))
    job = world.check_task(job)
    assert job.state is State.COMPLETED
    assert outcome(job) == {
        "web": "making it never ended; `cutout render` tries again",
        "nowhere": _UNKNOWN,
    }
    assert job.result is not None
    assert job.result.pixels is Pixels.MODEL
    assert job.result.remark == (
        "the photo's own pixels cannot be used: earlier tries failed; "
        "no recipe applies to the photo: nowhere"
    )


def test_the_photos_own_pixels_are_published_by_setting() -> None:
    """As many as the photo has, whatever the size of the model's result."""
    world = World(pixels=Pixels.SOURCE)
    job = finish(world, world.arrives(), b"png 300 200 0 255")
    assert job.result is not None
    assert (job.result.width, job.result.pixels, job.result.remark) == (600, Pixels.SOURCE, None)


def test_a_transparent_photo_keeps_its_own_pixels_whatever_the_setting() -> None:
    """The model's result does not have its transparency."""
    world = World(pixels=Pixels.MODEL)
    job = prepared(world, tiff(has_alpha=True))
    assert job.photo is not None
    assert job.photo.has_alpha
    done = finish(world, job)
    assert done.result is not None
    assert (done.result.pixels, done.result.remark) == (Pixels.SOURCE, None)


def test_the_models_pixels_are_used_where_the_photos_are_missing() -> None:
    """With a remark in the job."""
    world = World(pixels=Pixels.SOURCE)
    world.pictures.faults["faithful_cut_out"] = "broken data stream"
    job = finish(world, world.arrives())
    assert (job.state, job.result and job.result.pixels) == (State.COMPLETED, Pixels.MODEL)
    assert job.result is not None
    assert job.result.remark == "the photo's own pixels cannot be used: broken data stream"


@pytest.mark.parametrize("setting", Pixels)
def test_a_recipe_may_override_the_setting_for_pixels(setting: Pixels) -> None:
    """Both kinds are available from one paid call."""
    world = World(pixels=setting, recipes=(FULL, MODELS))
    job = finish(world, world.arrives(), b"png 300 200 0 255")
    assert [one.width for one in job.variants] == [600, 300]


def test_no_photo_is_read_a_second_time() -> None:
    """StoreResult does not open a photo that Submit checked, nor its copy unless it is needed."""
    hook = Hook()
    world = World(step=hook)
    finish(world, world.arrives())
    assert hook.seen.count("uploads.read") == 1
    assert [step for step in hook.seen if step.startswith(("copies", "copier"))] == []


def test_render_makes_variants_again_without_paying() -> None:
    """From the published cut-out with its labels; other variants stay."""
    world = World(recipes=(WEB, MODELS))
    job = finish(world, world.arrives())
    del world.results.objects["a.web.webp"]
    world.clock.advance(timedelta(hours=1))
    world.render.render(RenderRequest(job_id=job.id, recipes=("web",)))
    again = world.job(job)
    assert outcome(again) == {"web": "a.web.webp", "models": "a.models.png"}
    assert again.variants[0].made_at > job.variants[0].made_at
    assert world.results.objects["a.web.webp"].labels == world.results.objects["a.png"].labels
    assert len(world.evolink.charges) == 1
    assert len(world.announcements.jobs) == 1


def test_render_records_the_outcome_for_every_name() -> None:
    """Also for unknown names, and for a missing cut-out."""
    world = World(recipes=(WEB,))
    job = finish(world, world.arrives())
    world.render.render(RenderRequest(job_id=job.id, recipes=("poster",)))
    assert outcome(world.job(job))["poster"] == _UNKNOWN
    del world.results.objects["a.png"]
    world.render.render(RenderRequest(job_id=job.id, recipes=("web",)))
    assert outcome(world.job(job))["web"] == "the cut-out no longer exists"


MODELS_WEB = Recipe(name="models-web", pixels=Pixels.MODEL, format="webp")
NOT_KEPT = "the model's result is no longer cached"


def rendered(world: World, job: Job, name: str = "models-web") -> str:
    """The data of the variant, or its problem."""
    world.render.render(RenderRequest(job_id=job.id, recipes=(name,)))
    (variant,) = (one for one in world.job(job).variants if one.recipe == name)
    if variant.key is None:
        return variant.problem or ""
    return world.results.objects[variant.key].data.decode()


def of_the_photos_pixels(*, reuse: bool = True) -> World:
    """Cut-outs have the photo's own pixels; one recipe uses the model's."""
    return World(reuse=reuse, pixels=Pixels.SOURCE, recipes=(MODELS_WEB,))


def test_render_takes_the_models_pixels_from_the_cache() -> None:
    """The published cut-out has the photo's pixels, for the paid and for the reused job."""
    world = of_the_photos_pixels()
    job = finish(world, world.arrives())
    again = world.arrives("b.jpg")
    world.deliver_all()
    assert "faithful" in world.results.objects["b.png"].data.decode()
    for one in (job, again):
        assert rendered(world, one).startswith("webp 600 400 0 255 models-web task-")
    assert len(world.evolink.charges) == 1


def test_render_turns_the_cached_result_upright() -> None:
    """It is cached as the provider returned it, which need not be a PNG."""
    world = of_the_photos_pixels()
    job = finish(world, world.arrives(), b"webp 600 400 0 255")
    assert rendered(world, job).startswith("webp 600 400 0 255 upright models-web task-")


@pytest.mark.parametrize("data", [None, b"png 600 400 0 255 other", b"damaged"])
def test_render_reports_that_the_models_pixels_are_no_longer_cached(data: bytes | None) -> None:
    """Missing, damaged, or replaced by another result of the same photo."""
    world = of_the_photos_pixels()
    job = finish(world, world.arrives())
    (key,) = world.cached_results.objects
    if data is None:
        world.cached_results.lose(key)
    else:
        world.cached_results.objects[key] = data
    assert rendered(world, job) == NOT_KEPT


def test_render_uses_no_result_that_another_job_paid_for() -> None:
    """It is of the same photo, but not of this cut-out."""
    world = of_the_photos_pixels()
    job = finish(world, world.arrives())
    ((picture, item),) = world.dedup_records.items.items()
    assert item.kept is not None
    world.dedup_records.items[picture] = replace(item, kept=replace(item.kept, job_id="another"))
    assert rendered(world, job) == NOT_KEPT


def test_render_has_no_models_pixels_with_reuse_off() -> None:
    """Results are not cached."""
    world = of_the_photos_pixels(reuse=False)
    job = finish(world, world.arrives())
    assert rendered(world, job) == NOT_KEPT


def test_render_leaves_a_job_that_is_not_completed_alone() -> None:
    """A late message does not change it."""
    world = World(recipes=(WEB,))
    job = world.arrives()
    world.render.render(RenderRequest(job_id=job.id, recipes=("web",)))
    world.render.render(RenderRequest(job_id="unknown", recipes=("web",)))
    assert world.job(job) == job


def test_the_variant_of_an_older_upload_never_replaces_a_newer_one() -> None:
    """Even if it is requested after the newer upload's variants were made."""
    world = World(recipes=(WEB,))
    old = finish(world, world.arrives())
    finish(world, world.arrives("a.jpg", png(salt=1)))
    newest = world.results.objects["a.web.webp"]
    # Restore the old cut-out, as if it had not been overwritten.
    assert old.result is not None
    data = CUT_OUT + b" task-unified-000001"
    world.results.objects["a.png"] = replace(world.results.objects["a.png"], data=data)
    world.render.render(RenderRequest(job_id=old.id, recipes=("web",)))
    assert outcome(world.job(old))["web"] == "its key has the variant of a newer upload"
    assert world.results.objects["a.web.webp"] == newest
