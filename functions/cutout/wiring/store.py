"""StoreResult, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.http_httpx import FetchLimits, SafeDownloads
from cutout.adapters.pillow.pictures import PillowPictures
from cutout.adapters.s3.cached_results import S3Kept
from cutout.adapters.s3.prepared_copies import S3Copies
from cutout.adapters.s3.results_bucket import S3Results
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.adapters.sqs import SqsCallbacks
from cutout.domain.messages import Removal, RenderRequest, TaskCheck
from cutout.domain.photo.inspection import MOST_DECODED_PIXELS
from cutout.domain.recipes import OwnPixels, Recipe
from cutout.domain.states import Pixels
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.step_failures import StepFailures
from cutout.usecases.store_result.finish_cutout import FinishCutout
from cutout.usecases.store_result.full_size_photo import FullSizePhotos
from cutout.usecases.store_result.object_metadata import ObjectMetadata
from cutout.usecases.store_result.publish import Publisher
from cutout.usecases.store_result.remove import RemoveResults
from cutout.usecases.store_result.render import Render
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.review import ReviewNotes
from cutout.usecases.store_result.store_result import StoreResult
from cutout.usecases.store_result.track_task import FOLLOWED, TrackTask
from cutout.usecases.store_result.unverified_task import UnverifiedTasks
from cutout.usecases.store_result.variants import Variants
from cutout.wiring import shared
from cutout.wiring.aws_clients import Clients
from cutout.wiring.secrets import secret
from cutout.wiring.settings import StoreSettings


@dataclass(frozen=True, kw_only=True)
class StoreApp:
    """What the handler calls."""

    follow: TrackTask
    render: Render
    removing: RemoveResults

    def take(self, message: TaskCheck | RenderRequest | Removal) -> None:
        """Do what a message of the callbacks queue asks for."""
        if isinstance(message, RenderRequest):
            self.render.render(message)
        elif isinstance(message, Removal):
            self.removing.remove(message)
        else:
            self.follow.wake(message)


def build(
    environment: Mapping[str, str], telemetry: Telemetry, recipes: Path = shared.RECIPES
) -> StoreApp:
    """Everything StoreResult needs, from its environment and the recipes in its asset.

    Raises:
        SettingsError: the environment is incomplete, or the recipes cannot be read.
    """
    settings = StoreSettings.from_environment(environment)
    clients = Clients(environment)
    api_key = secret(clients, settings.api_key_secret)
    files = shared.evolink_files(settings, api_key, shared.call_seconds(settings.lease_seconds))
    job_writer = shared.job_writer(settings, clients, telemetry, files)
    uploads = S3Uploads(clients.s3())
    results = S3Results(clients.s3(), settings.results_bucket)
    own_pixels = shared.own_pixels(settings, recipes)
    pictures = _pictures(settings, own_pixels)
    finish_cutout = FinishCutout(pictures=pictures, pixels=settings.pixels)
    full_size_photos = FullSizePhotos(
        copies=S3Copies(clients.s3(), settings.work_bucket),
        queue=shared.preparations(settings, clients),
    )
    publisher = Publisher(results=results)
    variants = _variants(settings, job_writer, pictures, publisher, own_pixels.recipes)
    result_cache = _keeping(settings, clients, job_writer.purchases)
    timing = shared.timing(settings)
    failures = StepFailures(job_writer=job_writer, timing=timing, states=FOLLOWED)
    store = StoreResult(
        job_writer=job_writer,
        failures=failures,
        downloads=SafeDownloads(
            FetchLimits(
                max_seconds=shared.download_seconds(settings.lease_seconds),
                allow_loopback=settings.allow_loopback,
            ),
        ),
        pictures=pictures,
        finish_cutout=finish_cutout,
        object_metadata=ObjectMetadata(uploads=uploads, telemetry=telemetry, model=settings.model),
        publisher=publisher,
        review_notes=ReviewNotes(
            board=shared.note_board(settings, clients, telemetry),
            results_bucket=settings.results_bucket,
        ),
        variants=variants,
        timing=timing,
        randomness=shared.randomness,
        results_bucket=settings.results_bucket,
        result_cache=result_cache,
        own_pixels=own_pixels,
        full_size_photos=full_size_photos,
    )
    return StoreApp(
        follow=TrackTask(
            job_writer=job_writer,
            failures=failures,
            jobs=job_writer.store,
            provider=shared.provider(settings, api_key),
            named=UnverifiedTasks(
                job_writer=job_writer, timing=timing, randomness=shared.randomness
            ),
            store=store.store,
            reuse=store.reuse,
            timing=timing,
            randomness=shared.randomness,
        ),
        render=Render(
            job_writer=job_writer,
            jobs=job_writer.store,
            results=results,
            finish_cutout=finish_cutout,
            variants=variants,
            lease=timing.lease,
            result_cache=result_cache,
            full_size_photos=full_size_photos,
            requests=SqsCallbacks(clients.sqs(), settings.callbacks_queue_url),
        ),
        removing=RemoveResults(
            jobs=DynamoJobs(Table(clients.dynamodb(), settings.jobs_table)),
            results=results,
            telemetry=telemetry,
            results_bucket=settings.results_bucket,
            upload_prefix=settings.upload_prefix,
            result_prefix=settings.result_prefix,
            result_cache=result_cache,
            recipes=own_pixels.recipes,
        ),
    )


def _variants(
    settings: StoreSettings,
    job_writer: JobWriter,
    pictures: PillowPictures,
    publisher: Publisher,
    recipes: tuple[Recipe, ...],
) -> Variants:
    return Variants(
        recipes=recipes,
        pictures=pictures,
        publisher=publisher,
        result_keys=job_writer.store,
        telemetry=job_writer.telemetry,
        clock=job_writer.clock,
        result_prefix=settings.result_prefix,
    )


def _pictures(settings: StoreSettings, own: OwnPixels) -> PillowPictures:
    """Photos are decoded whole only where their own pixels are wanted: memory is set for that."""
    wants_photos = Pixels.SOURCE in {own.pixels, *(one.pixels for one in own.recipes)}
    return PillowPictures(
        settings.max_pixels, max_photo_pixels=MOST_DECODED_PIXELS if wants_photos else 0
    )


def _keeping(
    settings: StoreSettings,
    clients: Clients,
    purchases: Deduplication | None,
) -> ResultCache | None:
    if purchases is None:
        return None
    return ResultCache(
        results=S3Kept(clients.s3(), settings.work_bucket),
        purchases=purchases,
        model=settings.model,
    )
