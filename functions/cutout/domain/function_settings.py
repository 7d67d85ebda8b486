"""The environment of each function: the deployment sets it, the function reads it.

Each field of a class is the variable `CUTOUT_{FIELD}`. One with a default may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal

from cutout.domain.dataclass import dataclass
from cutout.domain.metrics import MonitoringLevel
from cutout.domain.states import Pixels, Transport

_PREFIX = "CUTOUT_"


def variable(field: str) -> str:
    """The environment variable of a field."""
    return _PREFIX + field.upper()


def variables(kind: type[Settings]) -> frozenset[str]:
    """The environment variables of a function with settings of this kind."""
    return frozenset(variable(field.name) for field in fields(kind))


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What every function needs."""

    stack: str
    monitoring: MonitoringLevel = MonitoringLevel.BASIC


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepSettings(Settings):
    """Settings of Sweep."""

    jobs_table: str
    submissions_queue_url: str
    callbacks_queue_url: str
    max_in_flight: int
    daily_credit_cap: Decimal
    poll_interval_seconds: timedelta
    lease_seconds: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiveSettings(Settings):
    """Settings of ReceiveCallback."""

    callbacks_queue_url: str
    signing_key_secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareSettings(Settings):
    """Settings of Prepare, with the memory, disk and time that its decoder must stay within."""

    work_bucket: str
    submissions_queue_url: str
    max_bytes: int
    max_pixels: int
    min_side: int
    max_side: int
    memory_mb: int
    disk_mb: int
    timeout_seconds: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSettings(SweepSettings):
    """What Submit and StoreResult share."""

    uploads_bucket: str
    upload_prefix: str = ""
    results_bucket: str
    result_prefix: str = ""
    work_bucket: str
    api_key_secret: str
    event_bus: str
    evolink_base_url: str
    evolink_files_url: str
    model: str
    reuse: bool
    max_pixels: int
    first_poll_seconds: timedelta
    unconfirmed_grace_seconds: timedelta
    job_deadline_seconds: timedelta
    retention_days: timedelta
    error_notes: bool = True
    tag_source: bool = False
    delete_with_source: bool = False
    pixels: Pixels
    preparations_queue_url: str = ""
    allow_loopback: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitSettings(JobSettings):
    """Settings of Submit."""

    jobs_table_arn: str
    calls_table: str
    signing_key_secret: str
    callback_url: str = ""
    photo_reader_role_arn: str
    prepare_role_id: str = ""
    input_transport: Transport
    upload_suffixes: tuple[str, ...] = ()
    max_bytes: int
    min_side: int
    max_side: int
    prepare_max_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreSettings(JobSettings):
    """Settings of StoreResult."""


SERVICES: Mapping[type[Settings], str] = {
    SubmitSettings: "submit",
    PrepareSettings: "prepare",
    ReceiveSettings: "receive-callback",
    StoreSettings: "store-result",
    SweepSettings: "sweep",
}
"""The functions' names in log lines, by their settings."""
