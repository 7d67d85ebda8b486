"""The ports that Submit and StoreResult share, and the recipes in their assets."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from cutout.adapters.dynamodb.dedup_records import DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.event_bus import EventBus
from cutout.adapters.evolink.files_api import EvolinkFiles
from cutout.adapters.evolink.task_api import EvolinkApi
from cutout.adapters.http_httpx import HttpxHttp
from cutout.adapters.s3.notes import S3Notes
from cutout.adapters.s3.prepared_copies import S3Copies
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.adapters.sqs import SqsCallbacks, SqsPreparations, SqsSubmissions
from cutout.adapters.system_clock import SystemClock
from cutout.domain.function_settings import JobSettings
from cutout.domain.recipes import RECIPES_FILE, Recipe, read_recipes
from cutout.ports.telemetry import Telemetry
from cutout.wiring.aws_clients import Clients
from cutout.wiring.ports import JobPorts
from cutout.wiring.secrets import secret

RECIPES = Path(__file__).parent.parent / RECIPES_FILE
"""Where a synth puts the recipes into the asset; without recipes there is no such file."""
_LONGEST_CALL = timedelta(seconds=30)
_LONGEST_DOWNLOAD = timedelta(seconds=60)


def job_ports(
    settings: JobSettings, clients: Clients, telemetry: Telemetry, *, files_seconds: float
) -> JobPorts:
    """Make the adapters that Submit and StoreResult share.

    Args:
        settings: of the function.
        clients: of AWS.
        telemetry: of the function.
        files_seconds: how long a request to the provider's Files API may take.
    """
    table = Table(clients.dynamodb(), settings.jobs_table)
    api_key = secret(clients, settings.api_key_secret)
    queue_url = settings.preparations_queue_url
    calls = HttpxHttp(timeout_seconds=call_seconds(settings.lease_seconds))
    files = HttpxHttp(timeout_seconds=files_seconds)
    return JobPorts(
        announcements=EventBus(clients.events(), settings.event_bus),
        callbacks=SqsCallbacks(clients.sqs(), settings.callbacks_queue_url),
        clock=SystemClock(),
        copies=S3Copies(clients.s3(), settings.work_bucket),
        files=EvolinkFiles(files, settings.evolink_files_url, api_key),
        jobs=DynamoJobs(table, calls_table=settings.calls_table),
        notes=S3Notes(clients.s3(), settings.results_bucket),
        preparations=SqsPreparations(clients.sqs(), queue_url) if queue_url else None,
        provider=EvolinkApi(calls, settings.evolink_base_url, settings.model, api_key),
        deduplication=DynamoDedupRecords(table),
        randomness=random.SystemRandom().random,
        submissions=SqsSubmissions(clients.sqs(), settings.submissions_queue_url),
        telemetry=telemetry,
        uploads=S3Uploads(clients.s3()),
    )


def deployed_recipes(file: Path) -> tuple[Recipe, ...]:
    """Read the recipes in the asset; none if there is no such file.

    Raises:
        SettingsError: the recipes cannot be read.
    """
    return read_recipes(file.read_text(encoding="utf-8")) if file.is_file() else ()


def call_seconds(lease: timedelta) -> float:
    """How long the provider may take over a call, from the look-up to the last byte.

    A function ends with its lease at the latest. A call must end well before that: an unknown
    outcome can then still be recorded, but a function that was ended records nothing.
    """
    return min(_LONGEST_CALL, lease / 3).total_seconds()


def download_seconds(lease: timedelta) -> float:
    """How long the transfer of a photo or a result may take, with time left for what follows."""
    return min(_LONGEST_DOWNLOAD, lease / 2).total_seconds()
