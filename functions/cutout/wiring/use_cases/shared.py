"""What the use cases of Submit and StoreResult have in common."""

from __future__ import annotations

from cutout.domain.function_settings import JobSettings
from cutout.domain.states import State
from cutout.domain.timing import Timing
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.shared.error_notes import ErrorNotes, LatestNotes
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.settlement_effects import SettlementEffects
from cutout.usecases.shared.step_failures import StepFailures
from cutout.wiring.ports import JobPorts
from cutout.wiring.use_cases.admission import admission_scheduler, gate_limits


def job_writer(ports: JobPorts, settings: JobSettings) -> JobWriter:
    """Compose the writer of jobs."""
    return JobWriter(
        jobs=ports.jobs,
        gates=ports.jobs,
        admission=admission_scheduler(ports, gate_limits(settings)),
        announcements=ports.announcements,
        settlement_effects=settlement_effects(ports, settings),
        files=ports.files,
        telemetry=ports.telemetry,
        clock=ports.clock,
        # A job exists while it is processing and storing, each within the deadline, and is then
        # retained.
        task_claims_last=settings.retention_days + 2 * settings.job_deadline_seconds,
        deduplication=deduplication(ports, settings),
    )


def step_failures(
    ports: JobPorts, settings: JobSettings, writer: JobWriter, states: frozenset[State]
) -> StepFailures:
    """Compose what counts the failed steps of jobs in these states."""
    return StepFailures(
        job_writer=writer,
        jobs=ports.jobs,
        clock=ports.clock,
        telemetry=ports.telemetry,
        timing=timing(ports, settings),
        states=states,
    )


def settlement_effects(ports: JobPorts, settings: JobSettings) -> SettlementEffects:
    """Compose what the end of a job changes in the buckets."""
    notes = ErrorNotes(
        latest_notes=latest_notes(ports),
        upload_prefix=settings.upload_prefix,
        result_prefix=settings.result_prefix,
    )
    return SettlementEffects(
        latest_versions=ports.jobs,
        telemetry=ports.telemetry,
        notes=notes if settings.error_notes else None,
        tags=ports.uploads if settings.tag_source else None,
        removals=ports.callbacks if settings.delete_with_source else None,
    )


def deduplication(ports: JobPorts, settings: JobSettings) -> Deduplication | None:
    """Compose what has a picture paid for once; None where each upload is paid for."""
    if not settings.reuse:
        return None
    return Deduplication(
        records=ports.deduplication,
        jobs=ports.jobs,
        submissions=ports.submissions,
        clock=ports.clock,
        model=settings.model,
        last=settings.retention_days,
    )


def latest_notes(ports: JobPorts) -> LatestNotes:
    """Compose the writer of notes in the results bucket."""
    return LatestNotes(notes=ports.notes, telemetry=ports.telemetry)


def timing(ports: JobPorts, settings: JobSettings) -> Timing:
    """How long things may take."""
    return Timing(
        first_poll=settings.first_poll_seconds,
        poll_interval=settings.poll_interval_seconds,
        lease=settings.lease_seconds,
        unconfirmed_grace=settings.unconfirmed_grace_seconds,
        job_deadline=settings.job_deadline_seconds,
        retention=settings.retention_days,
        provider=ports.provider.terms,
    )
