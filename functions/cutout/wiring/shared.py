"""What Submit and StoreResult have in common."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.dynamodb.purchases import DynamoPurchases
from cutout.adapters.event_bus import EventBus
from cutout.adapters.evolink.files_api import EvolinkFiles
from cutout.adapters.evolink.task_api import EvolinkApi
from cutout.adapters.http_httpx import HttpxHttp
from cutout.adapters.s3.notes import S3Notes
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.adapters.secrets import Secret
from cutout.adapters.sqs import SqsCallbacks, SqsPreparations, SqsSubmissions
from cutout.adapters.system_clock import SystemClock
from cutout.domain.gate import Limits
from cutout.domain.recipes import OwnPixels, read_recipes
from cutout.domain.timing import Timing
from cutout.ports.jobs_table import SourceHeads
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.admission import AdmissionScheduler
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.shared.error_notes import ErrorNotes, NoteBoard
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.settlement_effects import SettlementEffects
from cutout.wiring.aws_clients import Clients
from cutout.wiring.settings import StoreSettings, SubmitSettings

RECIPES = Path(__file__).parent.parent / "recipes.json"
"""Where a synth puts the recipes into the asset; without recipes there is no such file."""
_LONGEST_CALL = timedelta(seconds=30)
_LONGEST_DOWNLOAD = timedelta(seconds=60)
randomness = random.SystemRandom().random


def job_writer(
    settings: SubmitSettings | StoreSettings,
    clients: Clients,
    telemetry: Telemetry,
    files: EvolinkFiles,
) -> JobWriter:
    """The writer of jobs."""
    table = Table(clients.dynamodb(), settings.jobs_table)
    store = DynamoJobs(table, calls_table=settings.calls_table)
    clock = SystemClock()
    submissions = SqsSubmissions(clients.sqs(), settings.submissions_queue_url)
    limits = Limits(
        max_in_flight=settings.max_in_flight,
        daily_credit_cap=settings.daily_credit_cap,
    )
    admission = AdmissionScheduler(
        gates=store,
        backlog=store,
        submissions=submissions,
        clock=clock,
        limits=limits,
    )
    return JobWriter(
        store=store,
        admission=admission,
        announcements=EventBus(clients.events(), settings.event_bus),
        settlement_effects=_aftermath(settings, clients, telemetry, store),
        files=files,
        telemetry=telemetry,
        clock=clock,
        limits=limits,
        # A row is gone for good once it was processing and storing, each within the deadline, and
        # then retained.
        task_claims_last=settings.retention_days + 2 * settings.job_deadline_seconds,
        purchases=Deduplication(
            ledger=DynamoPurchases(Table(clients.dynamodb(), settings.jobs_table)),
            jobs=store,
            submissions=submissions,
            clock=clock,
            model=settings.model,
            last=settings.retention_days,
        )
        if settings.reuse
        else None,
    )


def _aftermath(
    settings: SubmitSettings | StoreSettings,
    clients: Clients,
    telemetry: Telemetry,
    heads: SourceHeads,
) -> SettlementEffects:
    notes = ErrorNotes(
        board=note_board(settings, clients, telemetry),
        upload_prefix=settings.upload_prefix,
        result_prefix=settings.result_prefix,
    )
    removals = SqsCallbacks(clients.sqs(), settings.callbacks_queue_url)
    return SettlementEffects(
        heads=heads,
        telemetry=telemetry,
        notes=notes if settings.error_notes else None,
        tags=S3Uploads(clients.s3()) if settings.tag_source else None,
        removals=removals if settings.delete_with_source else None,
    )


def note_board(
    settings: SubmitSettings | StoreSettings, clients: Clients, telemetry: Telemetry
) -> NoteBoard:
    """Notes in the results bucket."""
    notes = S3Notes(clients.s3(), settings.results_bucket)
    return NoteBoard(notes=notes, telemetry=telemetry)


def preparations(
    settings: SubmitSettings | StoreSettings, clients: Clients
) -> SqsPreparations | None:
    """Where photos are prepared; nowhere in a deployment that has it turned off."""
    if not settings.preparations_queue_url:
        return None
    return SqsPreparations(clients.sqs(), settings.preparations_queue_url)


def own_pixels(settings: SubmitSettings | StoreSettings, recipes: Path) -> OwnPixels:
    """Which photos give their own pixels, by the settings and the recipes in the asset.

    Raises:
        SettingsError: the recipes cannot be read.
    """
    wanted = read_recipes(recipes.read_text(encoding="utf-8")) if recipes.is_file() else ()
    return OwnPixels(pixels=settings.pixels, recipes=wanted)


def timing(settings: SubmitSettings | StoreSettings) -> Timing:
    """How long things may take."""
    return Timing(
        first_poll=settings.first_poll_seconds,
        poll_interval=settings.poll_interval_seconds,
        lease=settings.lease_seconds,
        unconfirmed_grace=settings.unconfirmed_grace_seconds,
        job_deadline=settings.job_deadline_seconds,
        retention=settings.retention_days,
    )


def call_seconds(lease: timedelta) -> float:
    """How long the provider may take over a call, from the look-up to the last byte.

    A function ends with its lease at the latest, so a call must end well before: an outcome that
    is known to be unknown can be recorded, a worker that was ended records nothing.
    """
    return min(_LONGEST_CALL, lease / 3).total_seconds()


def download_seconds(lease: timedelta) -> float:
    """How long a photo or a result may be on its way, so that there is time for what follows."""
    return min(_LONGEST_DOWNLOAD, lease / 2).total_seconds()


def evolink_files(
    settings: SubmitSettings | StoreSettings, api_key: Secret, seconds: float
) -> EvolinkFiles:
    """The provider's Files API, which may take so many seconds over each request."""
    http = HttpxHttp(timeout_seconds=seconds)
    return EvolinkFiles(http, settings.evolink_files_url, api_key)


def provider(settings: SubmitSettings | StoreSettings, api_key: Secret) -> EvolinkApi:
    """The provider's API."""
    http = HttpxHttp(timeout_seconds=call_seconds(settings.lease_seconds))
    return EvolinkApi(http, settings.evolink_base_url, settings.model, api_key)
