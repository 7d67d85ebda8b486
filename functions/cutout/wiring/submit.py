"""Submit, composed from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cutout.adapters.s3.photo_links import PhotoLinks
from cutout.domain.function_settings import SubmitSettings
from cutout.ports.telemetry import Telemetry
from cutout.wiring.aws_clients import Clients
from cutout.wiring.job_adapters import RECIPES, deployed_recipes, download_seconds, job_ports
from cutout.wiring.ports import SubmitPorts
from cutout.wiring.secrets import signing_keys
from cutout.wiring.settings import read_settings
from cutout.wiring.use_cases.submit import SubmitUseCases, submit_use_cases


def build(
    environment: Mapping[str, str], telemetry: Telemetry, recipes: Path = RECIPES
) -> SubmitUseCases:
    """Compose the use cases of Submit on AWS.

    Raises:
        SettingsError: the environment is incomplete, or the recipes cannot be read.
    """
    settings = read_settings(SubmitSettings, environment)
    clients = Clients(environment)
    files_seconds = download_seconds(settings.lease_seconds)
    shared = job_ports(settings, clients, telemetry, files_seconds=files_seconds)
    ports = SubmitPorts(
        shared=shared,
        links=PhotoLinks(
            clients.sts(),
            settings.photo_reader_role_arn,
            settings.work_bucket,
            clients.s3_as,
            shared.clock,
        ),
        signer=signing_keys(clients, settings.signing_key_secret),
    )
    return submit_use_cases(ports, settings, deployed_recipes(recipes))
