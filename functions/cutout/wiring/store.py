"""StoreResult, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.dynamodb.table import Table
from cutout.adapters.http_httpx import FetchLimits, SafeDownloads
from cutout.adapters.pillow.pictures import PillowPictures
from cutout.adapters.s3.copies import S3Copies
from cutout.adapters.s3.kept import S3Kept
from cutout.adapters.s3.results import S3Results
from cutout.adapters.s3.uploads import S3Uploads
from cutout.adapters.sqs import SqsCallbacks
from cutout.photo import MOST_DECODED_PIXELS
from cutout.ports.queues import Removal, RenderRequest, Wake
from cutout.ports.telemetry import Telemetry
from cutout.recipes import OwnPixels, Recipe
from cutout.settings import StoreSettings
from cutout.states import Pixels
from cutout.usecases.finishing import Finishing
from cutout.usecases.follow import FOLLOWED, Follow
from cutout.usecases.keeping import Keeping
from cutout.usecases.labelling import Labelling
from cutout.usecases.named import NamedTasks
from cutout.usecases.own_photos import OwnPhotos
from cutout.usecases.publishing import Publishing
from cutout.usecases.purchases import Purchases
from cutout.usecases.record import Recorder
from cutout.usecases.removing import Removing
from cutout.usecases.render import Render
from cutout.usecases.review_notes import ReviewNotes
from cutout.usecases.step_failures import StepFailures
from cutout.usecases.store import StoreResult
from cutout.usecases.variants import Variants
from cutout.wiring import shared
from cutout.wiring.aws import Clients
from cutout.wiring.secrets import secret


@dataclass(frozen=True, kw_only=True)
class StoreApp:
    """What the handler calls."""

    follow: Follow
    render: Render
    removing: Removing

    def take(self, message: Wake | RenderRequest | Removal) -> None:
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
    recorder = shared.recorder(settings, clients, telemetry, files)
    uploads = S3Uploads(clients.s3())
    results = S3Results(clients.s3(), settings.results_bucket)
    own_pixels = shared.own_pixels(settings, recipes)
    pictures = _pictures(settings, own_pixels)
    finishing = Finishing(pictures=pictures, pixels=settings.pixels)
    own_photos = OwnPhotos(
        copies=S3Copies(clients.s3(), settings.work_bucket),
        queue=shared.preparations(settings, clients),
    )
    publishing = Publishing(results=results)
    variants = _variants(settings, recorder, pictures, publishing, own_pixels.recipes)
    keeping = _keeping(settings, clients, recorder.purchases)
    timing = shared.timing(settings)
    failures = StepFailures(recorder=recorder, timing=timing, states=FOLLOWED)
    store = StoreResult(
        recorder=recorder,
        failures=failures,
        downloads=SafeDownloads(
            FetchLimits(
                max_seconds=shared.download_seconds(settings.lease_seconds),
                allow_loopback=settings.allow_loopback,
            ),
        ),
        pictures=pictures,
        finishing=finishing,
        labelling=Labelling(uploads=uploads, telemetry=telemetry, model=settings.model),
        publishing=publishing,
        review_notes=ReviewNotes(
            board=shared.note_board(settings, clients, telemetry),
            results_bucket=settings.results_bucket,
        ),
        variants=variants,
        timing=timing,
        randomness=shared.randomness,
        results_bucket=settings.results_bucket,
        keeping=keeping,
        own_pixels=own_pixels,
        own_photos=own_photos,
    )
    return StoreApp(
        follow=Follow(
            recorder=recorder,
            failures=failures,
            jobs=recorder.store,
            evolink=shared.evolink(settings, api_key),
            named=NamedTasks(recorder=recorder, timing=timing, randomness=shared.randomness),
            store=store.store,
            reuse=store.reuse,
            timing=timing,
            randomness=shared.randomness,
        ),
        render=Render(
            recorder=recorder,
            jobs=recorder.store,
            results=results,
            finishing=finishing,
            variants=variants,
            lease=timing.lease,
            keeping=keeping,
            own_photos=own_photos,
            requests=SqsCallbacks(clients.sqs(), settings.callbacks_queue_url),
        ),
        removing=Removing(
            jobs=DynamoJobs(Table(clients.dynamodb(), settings.jobs_table)),
            results=results,
            telemetry=telemetry,
            results_bucket=settings.results_bucket,
            upload_prefix=settings.upload_prefix,
            result_prefix=settings.result_prefix,
            keeping=keeping,
            recipes=own_pixels.recipes,
        ),
    )


def _variants(
    settings: StoreSettings,
    recorder: Recorder,
    pictures: PillowPictures,
    publishing: Publishing,
    recipes: tuple[Recipe, ...],
) -> Variants:
    return Variants(
        recipes=recipes,
        pictures=pictures,
        publishing=publishing,
        result_keys=recorder.store,
        telemetry=recorder.telemetry,
        clock=recorder.clock,
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
    purchases: Purchases | None,
) -> Keeping | None:
    if purchases is None:
        return None
    return Keeping(
        results=S3Kept(clients.s3(), settings.work_bucket),
        purchases=purchases,
        model=settings.model,
    )
