"""The use cases of StoreResult."""

from __future__ import annotations

from dataclasses import dataclass

from cutout.domain.function_settings import JobSettings
from cutout.domain.messages.queue_messages import Removal, RenderRequest, TaskCheck
from cutout.domain.recipes import OwnPixels, Recipe
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.store_result.fetched_result import ResultFetcher
from cutout.usecases.store_result.finish_cutout import FinishCutout
from cutout.usecases.store_result.full_size_photo import FullSizePhotos
from cutout.usecases.store_result.object_metadata import ObjectMetadata
from cutout.usecases.store_result.publish import Publisher
from cutout.usecases.store_result.remove import RemoveResults
from cutout.usecases.store_result.render import Render
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.review import ReviewNotes
from cutout.usecases.store_result.store_result import StoreResult
from cutout.usecases.store_result.track_task import TRACKED, TrackTask
from cutout.usecases.store_result.unverified_task import UnverifiedTasks
from cutout.usecases.store_result.variants import Variants
from cutout.wiring.ports import StoreResultPorts
from cutout.wiring.use_cases import shared


@dataclass(frozen=True, kw_only=True)
class StoreResultUseCases:
    """What StoreResult does with the messages of its queue."""

    track_task: TrackTask
    render: Render
    remove_results: RemoveResults

    def take(self, message: TaskCheck | RenderRequest | Removal) -> None:
        """Act on one message."""
        match message:
            case RenderRequest():
                self.render.render(message)
            case Removal():
                self.remove_results.remove(message)
            case TaskCheck():
                self.track_task.check(message)


def store_result_use_cases(
    ports: StoreResultPorts, settings: JobSettings, recipes: tuple[Recipe, ...]
) -> StoreResultUseCases:
    """Compose the use cases of StoreResult."""
    clock, telemetry = ports.shared.clock, ports.shared.telemetry
    timing = shared.timing(ports.shared, settings)
    job_writer = shared.job_writer(ports.shared, settings)
    own_pixels = OwnPixels(pixels=settings.pixels, recipes=recipes)
    finish_cutout = FinishCutout(pictures=ports.pictures, pixels=settings.pixels)
    full_size_photos = FullSizePhotos(copies=ports.shared.copies, queue=ports.shared.preparations)
    publisher = Publisher(results=ports.results)
    variants = Variants(
        recipes=recipes,
        pictures=ports.pictures,
        publisher=publisher,
        result_keys=ports.shared.jobs,
        telemetry=telemetry,
        clock=clock,
        result_prefix=settings.result_prefix,
    )
    result_cache = _result_cache(ports, settings)
    failures = shared.step_failures(ports.shared, settings, job_writer, TRACKED)
    store_result = StoreResult(
        job_writer=job_writer,
        latest_versions=ports.shared.jobs,
        result_keys=ports.shared.jobs,
        submissions=ports.shared.submissions,
        clock=clock,
        failures=failures,
        fetcher=ResultFetcher(downloads=ports.downloads, pictures=ports.pictures, clock=clock),
        finish_cutout=finish_cutout,
        object_metadata=ObjectMetadata(
            uploads=ports.shared.uploads, telemetry=telemetry, model=settings.model
        ),
        publisher=publisher,
        review_notes=ReviewNotes(
            latest_notes=shared.latest_notes(ports.shared), results_bucket=settings.results_bucket
        ),
        variants=variants,
        timing=timing,
        randomness=ports.shared.randomness,
        results_bucket=settings.results_bucket,
        result_cache=result_cache,
        own_pixels=own_pixels,
        full_size_photos=full_size_photos,
    )
    return StoreResultUseCases(
        track_task=_track_task(ports, settings, job_writer, store_result),
        render=Render(
            job_writer=job_writer,
            clock=clock,
            telemetry=telemetry,
            jobs=ports.shared.jobs,
            results=ports.results,
            finish_cutout=finish_cutout,
            variants=variants,
            lease=timing.lease,
            result_cache=result_cache,
            full_size_photos=full_size_photos,
            requests=ports.shared.callbacks,
        ),
        remove_results=RemoveResults(
            jobs=ports.shared.jobs,
            results=ports.results,
            telemetry=telemetry,
            results_bucket=settings.results_bucket,
            upload_prefix=settings.upload_prefix,
            result_prefix=settings.result_prefix,
            result_cache=result_cache,
            recipes=recipes,
        ),
    )


def _track_task(
    ports: StoreResultPorts,
    settings: JobSettings,
    job_writer: JobWriter,
    store_result: StoreResult,
) -> TrackTask:
    timing = shared.timing(ports.shared, settings)
    return TrackTask(
        job_writer=job_writer,
        latest_versions=ports.shared.jobs,
        submissions=ports.shared.submissions,
        clock=ports.shared.clock,
        telemetry=ports.shared.telemetry,
        failures=store_result.failures,
        jobs=ports.shared.jobs,
        provider=ports.shared.provider,
        unverified_tasks=UnverifiedTasks(
            job_writer=job_writer,
            clock=ports.shared.clock,
            timing=timing,
            randomness=ports.shared.randomness,
        ),
        store=store_result.store,
        reuse=store_result.reuse,
        timing=timing,
        randomness=ports.shared.randomness,
    )


def _result_cache(ports: StoreResultPorts, settings: JobSettings) -> ResultCache | None:
    deduplication = shared.deduplication(ports.shared, settings)
    if deduplication is None:
        return None
    return ResultCache(results=ports.kept, deduplication=deduplication, model=settings.model)
