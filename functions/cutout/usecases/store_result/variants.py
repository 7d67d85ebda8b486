"""Making a cut-out's variants; one that fails affects neither the cut-out nor the others."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import PictureError
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.metrics import Metric
from cutout.domain.photo.photo_and_result_checks import Picture
from cutout.domain.recipes import Recipe, recipes_for
from cutout.domain.states import Pixels
from cutout.ports.buckets import Labels
from cutout.ports.jobs_table import ResultKeys
from cutout.ports.pictures import Pictures
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.store_result.finish_cutout import FetchedResult, FinishCutout, OwnPhoto
from cutout.usecases.store_result.publish_with_metadata import Publisher
from cutout.usecases.store_result.result_cache import ResultCache

_UNKNOWN = "no recipe of this name applies to the photo"


@dataclass(kw_only=True)
class VariantSources:
    """The cut-out that recipes start from: as published, or made when the first asks for it.

    Attributes:
        published: the one in the results bucket.
        pixels: whose colours that one has.
        result: the model's, if it was just fetched; else the cache may have it.
        problem: why no variant can be made; None if they can.
        made: the one with the other pixels, once it is made.
    """

    job: Job
    published: Path
    pixels: Pixels
    own: OwnPhoto
    result: FetchedResult | None = None
    problem: str | None = None
    made: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Variants:
    """Makes and stores the variants of one cut-out.

    Attributes:
        result_cache: None in a deployment without deduplication.
    """

    recipes: tuple[Recipe, ...]
    pictures: Pictures
    finish_cutout: FinishCutout
    result_cache: ResultCache | None
    publisher: Publisher
    result_keys: ResultKeys
    telemetry: Telemetry
    clock: Clock
    result_prefix: str

    def make(
        self,
        sources: VariantSources,
        labels: Labels,
        *,
        until: datetime,
        names: tuple[str, ...] | None,
    ) -> tuple[Variant, ...]:
        """Make the variants of these recipes.

        A name that no recipe has which applies to the photo gives a variant with a problem.

        Args:
            sources: what the variants are made from; the job has claimed its result key.
            labels: the cut-out's labels, which each variant gets.
            until: no variant is started after this time.
            names: of the recipes; None means all that apply to the photo.
        """
        recipes = self._recipes(sources.job)
        return tuple(
            self._made(recipes[name], sources, labels, until)
            if name in recipes
            else self._failed(Recipe(name=name), _UNKNOWN)
            for name in (recipes if names is None else names)
        )

    def unknown_names(self, job: Job) -> tuple[str, ...]:
        """The names that the photo chose, but that no recipe has which applies to it."""
        return tuple(name for name in job.recipes or () if name not in self._recipes(job))

    def _recipes(self, job: Job) -> dict[str, Recipe]:
        return {one.name: one for one in recipes_for(self.recipes, job.source.key)}

    def _made(
        self, recipe: Recipe, sources: VariantSources, labels: Labels, until: datetime
    ) -> Variant:
        if self.clock.now() >= until:
            return self._failed(recipe, "there was no time left; `cutout render` makes it")
        try:
            variant = self._make(sources.job, recipe, self._cut_out(sources, recipe.pixels), labels)
        except PictureError as exc:
            return self._failed(recipe, str(exc))
        self.telemetry.metric(Metric.VARIANTS_MADE)
        return variant

    def _cut_out(self, sources: VariantSources, pixels: Pixels | None) -> Path:
        """The cut-out with these pixels; None means the published one."""
        if sources.problem is not None:
            raise PictureError(sources.problem)
        if pixels in {None, sources.pixels}:
            return sources.published
        if sources.made is None:
            sources.made, _ = self._other(sources)
        return sources.made

    def _other(self, sources: VariantSources) -> tuple[Path, Picture]:
        """The cut-out with the pixels that the published one does not have."""
        published, result, cache = sources.published, sources.result, self.result_cache
        if sources.pixels is Pixels.MODEL:
            return self.finish_cutout.with_sources_pixels(published, sources.own)
        if result is None and cache is not None:
            file = published.with_name("model")
            result = cache.fetch_again(sources.job, file, self.pictures)
        if result is None:
            raise PictureError("the model's result is no longer cached")
        return self.finish_cutout.with_models_pixels(result)

    def _failed(self, recipe: Recipe, problem: str) -> Variant:
        """A variant that could not be made; logged and counted."""
        self.telemetry.log("variant not made", recipe=recipe.name, problem=problem)
        self.telemetry.metric(Metric.VARIANTS_FAILED)
        return Variant(
            recipe=recipe.name,
            format=recipe.format,
            made_at=self.clock.now(),
            problem=problem,
        )

    def _make(self, job: Job, recipe: Recipe, cut_out: Path, labels: Labels) -> Variant:
        file = cut_out.with_name(f"variant.{recipe.format}")
        try:
            picture = self.pictures.render(cut_out, recipe, file)
            key = self._claim(job, recipe)
            published = self.publisher.publish(
                job, key, file, content_type=recipe.content_type, labels=labels
            )
            if published is None:
                raise PictureError("its key has the variant of a newer upload")
            return Variant(
                recipe=recipe.name,
                format=recipe.format,
                made_at=self.clock.now(),
                key=key,
                size=published.size,
                width=picture.width,
                height=picture.height,
                sha256=published.sha256,
            )
        finally:
            file.unlink(missing_ok=True)

    def _claim(self, job: Job, recipe: Recipe) -> str:
        for key in recipe.keys(job.result_key or "", self.result_prefix):
            # A recipe's template may give the cut-out's own key.
            is_free = key != job.result_key
            if is_free and self.result_keys.claim_result_key(key, job.source.ref):
                return key
        raise PictureError("all keys for it belong to other photos")
