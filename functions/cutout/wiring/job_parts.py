"""Ports, the adapters behind them, and parts of use cases that Submit and StoreResult share."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.event_bus import EventBus
from cutout.adapters.http_httpx.sending import HttpxHttp
from cutout.adapters.s3.results_bucket import S3Results
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.adapters.s3.work_bucket import S3Copies
from cutout.adapters.secrets import Secret
from cutout.adapters.sqs import SqsCallbacks, SqsPreparations, SqsSubmissions
from cutout.adapters.system_clock import SystemClock
from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import JobSettings
from cutout.domain.polling_and_timing import Randomness, Timing
from cutout.domain.provider_outcomes import Terms
from cutout.domain.recipes import RECIPES_FILE, Recipe, read_recipes
from cutout.domain.states import State
from cutout.ports.buckets import Copies, Notes, UploadsBucket
from cutout.ports.jobs_table import DedupRecords
from cutout.ports.provider_api import Files, Provider
from cutout.ports.queues import CallbacksQueue, PreparationQueue
from cutout.ports.telemetry import Announcements, Telemetry
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.notes_and_tags import LatestNotes, SettlementEffects, ShownVersions
from cutout.usecases.shared.step_failures import StepFailures
from cutout.wiring import chosen_provider
from cutout.wiring.aws_clients import Clients, tls_context
from cutout.wiring.gate_parts import GatePorts, gate_limits

# Where a synth puts the recipes into the asset; without recipes there is no such file.
_RECIPES = Path(__file__).parent.parent / RECIPES_FILE
_LONGEST_CALL = timedelta(seconds=30)
_LONGEST_DOWNLOAD = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class JobPorts(GatePorts):
    """The ports of Submit and StoreResult; no preparations in a deployment without Prepare."""

    announcements: Announcements
    callbacks: CallbacksQueue
    copies: Copies
    deduplication: DedupRecords
    files: Files
    notes: Notes
    preparations: PreparationQueue | None
    provider: Provider
    randomness: Randomness
    telemetry: Telemetry
    terms: Terms
    uploads: UploadsBucket


def job_ports(
    settings: JobSettings,
    clients: Clients,
    telemetry: Telemetry,
    *,
    files_seconds: float,
) -> JobPorts:
    """Fill the shared ports with adapters.

    A request to the provider's file store may take `files_seconds`.
    """
    table = Table(clients.dynamodb, settings.jobs_table)
    api_key = Secret(clients.secrets, settings.api_key_secret)
    terms = chosen_provider.terms()
    queue_url = settings.preparations_queue_url
    # Two clients, since the time-out is the client's own.
    tls = tls_context()
    calls = HttpxHttp(timeout_seconds=call_seconds(settings.lease_seconds), verify=tls)
    files = HttpxHttp(timeout_seconds=files_seconds, verify=tls)
    return JobPorts(
        announcements=EventBus(clients.events, settings.event_bus),
        callbacks=SqsCallbacks(clients.sqs, settings.callbacks_queue_url),
        clock=SystemClock(),
        copies=S3Copies(clients.s3, settings.work_bucket),
        deduplication=DynamoDedupRecords(table),
        files=chosen_provider.file_store(files, settings, api_key),
        jobs=DynamoJobs(table, terms.usual_price),
        notes=S3Results(clients.s3, settings.results_bucket),
        preparations=SqsPreparations(clients.sqs, queue_url) if queue_url else None,
        provider=chosen_provider.tasks(calls, settings, api_key),
        randomness=random.SystemRandom().random,
        submissions=SqsSubmissions(clients.sqs, settings.submissions_queue_url),
        telemetry=telemetry,
        terms=terms,
        uploads=S3Uploads(clients.s3),
    )


def deployed_recipes() -> tuple[Recipe, ...]:
    """Read the recipes in the asset, if any; SettingsError if they cannot be read."""
    return read_recipes(_RECIPES.read_text(encoding="utf-8")) if _RECIPES.is_file() else ()


def call_seconds(lease: timedelta) -> float:
    """How long the provider may take over a call, from the look-up to the last byte."""
    # A function ends with its lease at the latest. A call must end well before that: an unknown
    # outcome can then still be recorded, but a function that was ended records nothing.
    return min(_LONGEST_CALL, lease / 3).total_seconds()


def download_seconds(lease: timedelta) -> float:
    """How long the transfer of a photo or a result may take, with time left for what follows."""
    return min(_LONGEST_DOWNLOAD, lease / 2).total_seconds()


class JobParts:
    """The parts that Submit and StoreResult share; without deduplication, each upload is paid."""

    def __init__(self, ports: JobPorts, settings: JobSettings) -> None:
        self._ports = ports
        self.limits = gate_limits(settings)
        self.timing = Timing(
            first_poll=settings.first_poll_seconds,
            poll_interval=settings.poll_interval_seconds,
            lease=settings.lease_seconds,
            unconfirmed_grace=settings.unconfirmed_grace_seconds,
            job_deadline=settings.job_deadline_seconds,
            retention=settings.retention_days,
            provider=ports.terms,
        )
        self.deduplication = None
        if settings.reuse:
            self.deduplication = Deduplication(
                records=ports.deduplication,
                jobs=ports.jobs,
                submissions=ports.submissions,
                clock=ports.clock,
                model=settings.model,
                last=settings.retention_days,
            )
        self.shown_versions = ShownVersions(
            current_versions=ports.uploads, latest_versions=ports.jobs
        )
        self.latest_notes = LatestNotes(
            notes=ports.notes, shown_versions=self.shown_versions, telemetry=ports.telemetry
        )
        self.settlement_effects = SettlementEffects(
            jobs=ports.jobs,
            latest_versions=ports.jobs,
            shown_versions=self.shown_versions,
            telemetry=ports.telemetry,
            upload_prefix=settings.upload_prefix,
            result_prefix=settings.result_prefix,
            terms=ports.terms,
            notes=self.latest_notes if settings.error_notes else None,
            tags=ports.uploads if settings.tag_source else None,
            removals=ports.callbacks if settings.delete_with_source else None,
        )
        self.job_writer = JobWriter(
            jobs=ports.jobs,
            backlog=ports.jobs,
            submissions=ports.submissions,
            announcements=ports.announcements,
            settlement_effects=self.settlement_effects,
            files=ports.files,
            telemetry=ports.telemetry,
            clock=ports.clock,
            retention=self.timing.retention,
            # A job exists while it is processing and storing, each within the deadline, and is then
            # retained.
            task_claims_last=settings.retention_days + 2 * settings.job_deadline_seconds,
            deduplication=self.deduplication,
        )

    def step_failures(self, states: frozenset[State]) -> StepFailures:
        """Compose what counts the failed steps of jobs in these states."""
        return StepFailures(
            job_writer=self.job_writer,
            jobs=self._ports.jobs,
            clock=self._ports.clock,
            telemetry=self._ports.telemetry,
            timing=self.timing,
            states=states,
        )
