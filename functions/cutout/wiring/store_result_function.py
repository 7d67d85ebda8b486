"""StoreResult: its ports on AWS, and its use cases on them."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.adapters.http_httpx.fetching import FetchLimits, SafeDownloads
from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.adapters.s3.results_bucket import S3Results
from cutout.adapters.s3.work_bucket import S3Copies
from cutout.adapters.temp_folder import clear_left_behind, folder
from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import JobSettings, StoreSettings
from cutout.domain.messages.queue_messages import Removal, RenderRequest, TaskCheck
from cutout.domain.photo.photo_and_result_checks import MOST_DECODED_PIXELS
from cutout.domain.recipes import OwnPixels, Recipe
from cutout.domain.states import Pixels
from cutout.ports.buckets import Copies, ResultsBucket
from cutout.ports.pictures import Pictures
from cutout.ports.provider_api import Downloads
from cutout.ports.telemetry import Telemetry
from cutout.usecases.store_result.finish_cutout import FinishCutout, FullSizePhotos
from cutout.usecases.store_result.publish_with_metadata import Publisher
from cutout.usecases.store_result.remove import RemoveResults
from cutout.usecases.store_result.render import Render
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.review_decisions import ReviewDecisions
from cutout.usecases.store_result.review_notes import ReviewNotes
from cutout.usecases.store_result.store_result import StoreResult
from cutout.usecases.store_result.track_task import TRACKED, TrackTask
from cutout.usecases.store_result.unfinished_task import UnfinishedTasks
from cutout.usecases.store_result.variants import Variants
from cutout.wiring import job_parts
from cutout.wiring.aws_clients import Clients, tls_context
from cutout.wiring.environment_reader import read_settings


@dataclass(frozen=True, kw_only=True)
class StoreResultPorts:
    """The ports of StoreResult."""

    shared: job_parts.JobPorts
    downloads: Downloads
    kept: Copies
    pictures: Pictures
    results: ResultsBucket


@dataclass(frozen=True, kw_only=True)
class StoreResultUseCases:
    """StoreResult's actions on the messages of its queue."""

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


def build(environment: Mapping[str, str], telemetry: Telemetry) -> StoreResultUseCases:
    """Compose StoreResult on AWS; SettingsError if environment or recipes cannot be read."""
    # Lambda keeps /tmp from one invocation to the next, also after one that was ended.
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    clear_left_behind()
    settings = read_settings(StoreSettings, environment)
    clients = Clients(environment)
    clients.connect("dynamodb", "secretsmanager", "s3")
    recipes = job_parts.deployed_recipes()
    seconds = job_parts.call_seconds(settings.lease_seconds)
    downloads = FetchLimits(
        max_seconds=job_parts.download_seconds(settings.lease_seconds),
        allow_loopback=settings.allow_loopback,
    )
    ports = StoreResultPorts(
        shared=job_parts.job_ports(settings, clients, telemetry, files_seconds=seconds),
        downloads=SafeDownloads(downloads, verify=tls_context()),
        kept=S3Copies(clients.s3, settings.work_bucket),
        pictures=_pictures(settings, recipes),
        results=S3Results(clients.s3, settings.results_bucket),
    )
    return store_result_use_cases(ports, settings, recipes)


def _pictures(settings: StoreSettings, recipes: tuple[Recipe, ...]) -> PillowPictures:
    """Decode photos whole only where their own pixels are wanted: memory is set for that."""
    wants_photos = Pixels.SOURCE in {settings.pixels, *(one.pixels for one in recipes)}
    return PillowPictures(
        settings.max_pixels, max_photo_pixels=MOST_DECODED_PIXELS if wants_photos else 0
    )


def store_result_use_cases(
    ports: StoreResultPorts, settings: JobSettings, recipes: tuple[Recipe, ...]
) -> StoreResultUseCases:
    """Compose the use cases of StoreResult on its ports."""
    shared, parts = ports.shared, job_parts.JobParts(ports.shared, settings)
    clock, telemetry, jobs = shared.clock, shared.telemetry, shared.jobs
    full_size_photos = FullSizePhotos(copies=shared.copies, queue=shared.preparations)
    finish_cutout = FinishCutout(
        pictures=ports.pictures,
        own_pixels=OwnPixels(pixels=settings.pixels, recipes=recipes),
        full_size_photos=full_size_photos,
    )
    publisher = Publisher(
        uploads=shared.uploads,
        results=ports.results,
        shown_versions=parts.shown_versions,
        telemetry=telemetry,
        model=settings.model,
    )
    records = parts.deduplication
    result_cache = ResultCache(copies=ports.kept, deduplication=records) if records else None
    variants = Variants(
        recipes=recipes,
        pictures=ports.pictures,
        finish_cutout=finish_cutout,
        result_cache=result_cache,
        publisher=publisher,
        result_keys=jobs,
        telemetry=telemetry,
        clock=clock,
        result_prefix=settings.result_prefix,
    )
    failures = parts.step_failures(TRACKED)
    review_notes = ReviewNotes(
        latest_notes=parts.latest_notes, results_bucket=settings.results_bucket
    )
    store_result = StoreResult(
        folders=folder,
        job_writer=parts.job_writer,
        result_keys=jobs,
        submissions=shared.submissions,
        clock=clock,
        failures=failures,
        downloads=ports.downloads,
        finish_cutout=finish_cutout,
        publisher=publisher,
        shown_versions=parts.shown_versions,
        review_notes=review_notes,
        variants=variants,
        timing=parts.timing,
        randomness=shared.randomness,
        results_bucket=settings.results_bucket,
        result_cache=result_cache,
    )
    review_decisions = ReviewDecisions(
        folders=folder,
        results=ports.results,
        shown_versions=parts.shown_versions,
        failures=failures,
        finish_cutout=finish_cutout,
        review_notes=review_notes,
        result_cache=result_cache,
        store_result=store_result,
    )
    return StoreResultUseCases(
        track_task=TrackTask(
            job_writer=parts.job_writer,
            clock=clock,
            telemetry=telemetry,
            failures=failures,
            jobs=jobs,
            provider=shared.provider,
            unfinished_tasks=UnfinishedTasks(
                job_writer=parts.job_writer,
                shown_versions=parts.shown_versions,
                submissions=shared.submissions,
                clock=clock,
                timing=parts.timing,
                randomness=shared.randomness,
            ),
            store_result=store_result,
            review_decisions=review_decisions,
            lease=parts.timing.lease,
        ),
        render=Render(
            folders=folder,
            job_writer=parts.job_writer,
            clock=clock,
            telemetry=telemetry,
            jobs=jobs,
            results=ports.results,
            variants=variants,
            lease=parts.timing.lease,
            full_size_photos=full_size_photos,
            requests=shared.callbacks,
        ),
        remove_results=RemoveResults(
            jobs=jobs,
            current_versions=shared.uploads,
            results=ports.results,
            telemetry=telemetry,
            results_bucket=settings.results_bucket,
            upload_prefix=settings.upload_prefix,
            result_prefix=settings.result_prefix,
            result_cache=result_cache,
            recipes=recipes,
        ),
    )
