"""StoreResult, put together."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.adapters.http_httpx import FetchLimits, SafeDownloads
from cutout.adapters.pictures_pillow import PillowPictures
from cutout.adapters.s3 import S3Results, S3Uploads
from cutout.ports import Telemetry
from cutout.settings import StoreSettings
from cutout.usecases.follow import Follow
from cutout.usecases.labelling import Labelling
from cutout.usecases.publishing import Publishing
from cutout.usecases.review_notes import ReviewNotes
from cutout.usecases.store import StoreResult
from cutout.wiring import shared
from cutout.wiring.aws import Clients
from cutout.wiring.secrets import secret


def build(environment: Mapping[str, str], telemetry: Telemetry) -> Follow:
    """Everything StoreResult needs, from its environment.

    Raises:
        SettingsError: the environment is incomplete.
    """
    settings = StoreSettings.from_environment(environment)
    clients = Clients(environment)
    api_key = secret(clients, settings.api_key_secret)
    files = shared.evolink_files(settings, api_key)
    recorder = shared.recorder(settings, clients, telemetry, files)
    timing = shared.timing(settings)
    store = StoreResult(
        recorder=recorder,
        labelling=Labelling(
            uploads=S3Uploads(clients.s3()), telemetry=telemetry, model=settings.model
        ),
        publishing=Publishing(results=S3Results(clients.s3(), settings.results_bucket)),
        review_notes=ReviewNotes(board=shared.note_board(settings, clients, telemetry)),
        downloads=SafeDownloads(
            FetchLimits(
                max_seconds=shared.download_seconds(settings.lease_seconds),
                allow_loopback=settings.allow_loopback,
            ),
        ),
        pictures=PillowPictures(settings.max_pixels),
        timing=timing,
        randomness=shared.randomness,
        results_bucket=settings.results_bucket,
    )
    return Follow(
        recorder=recorder,
        jobs=recorder.store,
        evolink=shared.evolink(settings, api_key),
        store=store.store,
        timing=timing,
        randomness=shared.randomness,
    )
