"""Prepare, put together. It settles nothing and pays nothing, so it holds no key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.dynamodb.table import Table
from cutout.adapters.pillow.copier import PillowCopier
from cutout.adapters.s3.copies import S3Copies
from cutout.adapters.s3.uploads import S3Uploads
from cutout.adapters.sqs import SqsSubmissions
from cutout.adapters.system_clock import SystemClock
from cutout.photo import PhotoLimits
from cutout.ports.table import Jobs
from cutout.ports.telemetry import Telemetry
from cutout.settings import PrepareSettings
from cutout.usecases.prepare import Prepare
from cutout.wiring.aws import Clients


@dataclass(frozen=True, kw_only=True)
class PrepareApp:
    """What the handler calls."""

    jobs: Jobs
    prepare: Prepare


def build(environment: Mapping[str, str], telemetry: Telemetry) -> PrepareApp:
    """Everything Prepare needs, from its environment.

    Raises:
        SettingsError: the environment is incomplete.
    """
    settings = PrepareSettings.from_environment(environment)
    clients = Clients(environment)
    jobs = DynamoJobs(Table(clients.dynamodb(), settings.jobs_table))
    prepare = Prepare(
        jobs=jobs,
        uploads=S3Uploads(clients.s3()),
        copier=PillowCopier(),
        copies=S3Copies(clients.s3(), settings.work_bucket),
        submissions=SqsSubmissions(clients.sqs(), settings.submissions_queue_url),
        telemetry=telemetry,
        clock=SystemClock(),
        lease=settings.lease_seconds,
        limits=PhotoLimits(
            max_bytes=settings.max_bytes,
            max_pixels=settings.max_pixels,
            min_side=settings.min_side,
            max_side=settings.max_side,
        ),
    )
    return PrepareApp(jobs=jobs, prepare=prepare)
