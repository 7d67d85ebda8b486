"""StoreResult, composed from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cutout.adapters.http_httpx import FetchLimits, SafeDownloads
from cutout.adapters.pillow.pictures import PillowPictures
from cutout.adapters.s3.cached_results import S3Kept
from cutout.adapters.s3.results_bucket import S3Results
from cutout.domain.function_settings import StoreSettings
from cutout.domain.photo.inspection import MOST_DECODED_PIXELS
from cutout.domain.recipes import Recipe
from cutout.domain.states import Pixels
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.temp_folder import clear_left_behind
from cutout.wiring.aws_clients import Clients
from cutout.wiring.job_adapters import (
    RECIPES,
    call_seconds,
    deployed_recipes,
    download_seconds,
    job_ports,
)
from cutout.wiring.ports import StoreResultPorts
from cutout.wiring.settings import read_settings
from cutout.wiring.use_cases.store_result import StoreResultUseCases, store_result_use_cases


def build(
    environment: Mapping[str, str], telemetry: Telemetry, recipes: Path = RECIPES
) -> StoreResultUseCases:
    """Compose the use cases of StoreResult on AWS.

    Raises:
        SettingsError: the environment is incomplete, or the recipes cannot be read.
    """
    clear_left_behind()
    settings = read_settings(StoreSettings, environment)
    clients = Clients(environment)
    made = deployed_recipes(recipes)
    downloads = FetchLimits(
        max_seconds=download_seconds(settings.lease_seconds),
        allow_loopback=settings.allow_loopback,
    )
    ports = StoreResultPorts(
        shared=job_ports(
            settings, clients, telemetry, files_seconds=call_seconds(settings.lease_seconds)
        ),
        downloads=SafeDownloads(downloads),
        kept=S3Kept(clients.s3(), settings.work_bucket),
        pictures=_pictures(settings, made),
        results=S3Results(clients.s3(), settings.results_bucket),
    )
    return store_result_use_cases(ports, settings, made)


def _pictures(settings: StoreSettings, recipes: tuple[Recipe, ...]) -> PillowPictures:
    """Decode photos whole only where their own pixels are wanted: memory is set for that."""
    wants_photos = Pixels.SOURCE in {settings.pixels, *(one.pixels for one in recipes)}
    return PillowPictures(
        settings.max_pixels, max_photo_pixels=MOST_DECODED_PIXELS if wants_photos else 0
    )
