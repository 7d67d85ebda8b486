"""The ports of each function: Lambda fills them with adapters, tests with fakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cutout.domain.timing import Randomness
    from cutout.ports.buckets import (
        Copies,
        KeptResults,
        Notes,
        PhotoLinks,
        Results,
        Uploads,
        UploadsBucket,
    )
    from cutout.ports.jobs_table import DedupRecords, JobsTable
    from cutout.ports.pictures import Copier, Pictures
    from cutout.ports.provider import Downloads, Files, KeyRing, Provider, Signer
    from cutout.ports.queues import (
        CallbackQueue,
        CallbacksQueue,
        PreparationQueue,
        ReportQueue,
        SubmissionQueue,
    )
    from cutout.ports.telemetry import Announcements, Clock, Telemetry


@dataclass(frozen=True, kw_only=True)
class GatePorts:
    """What the gate needs to admit jobs."""

    clock: Clock
    jobs: JobsTable
    submissions: SubmissionQueue


@dataclass(frozen=True, kw_only=True)
class SweepPorts(GatePorts):
    """The ports of Sweep."""

    callbacks: CallbacksQueue
    telemetry: Telemetry


@dataclass(frozen=True, kw_only=True)
class JobPorts(SweepPorts):
    """The ports that Submit and StoreResult share.

    Attributes:
        preparations: None in a deployment without Prepare.
    """

    announcements: Announcements
    copies: Copies
    files: Files
    notes: Notes
    preparations: PreparationQueue | None
    provider: Provider
    deduplication: DedupRecords
    randomness: Randomness
    uploads: UploadsBucket


@dataclass(frozen=True, kw_only=True)
class SubmitPorts:
    """The ports of Submit."""

    shared: JobPorts
    links: PhotoLinks
    signer: Signer


@dataclass(frozen=True, kw_only=True)
class StoreResultPorts:
    """The ports of StoreResult."""

    shared: JobPorts
    downloads: Downloads
    kept: KeptResults
    pictures: Pictures
    results: Results


@dataclass(frozen=True, kw_only=True)
class PreparePorts:
    """The ports of Prepare. It decodes strangers' files, so it has no table and no key."""

    copier: Copier
    copies: Copies
    reports: ReportQueue
    telemetry: Telemetry
    uploads: Uploads


@dataclass(frozen=True, kw_only=True)
class CallbackPorts:
    """The ports of ReceiveCallback.

    Attributes:
        task_id_in: reads the task's id from a callback's body, if it names one.
    """

    callbacks: CallbackQueue
    clock: Clock
    keys: KeyRing
    task_id_in: Callable[[str], str | None]
    telemetry: Telemetry
