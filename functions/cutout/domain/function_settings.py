"""The environment of each function: the deployment sets it, `read_settings` reads it.

Each field of a class is the variable `CUTOUT_{FIELD}`. One with a default may be missing. No other
code of a function reads these variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar, get_type_hints
from urllib.parse import urlsplit

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import SettingsError
from cutout.domain.metrics import MonitoringLevel
from cutout.domain.states import Pixels, Transport

_PREFIX = "CUTOUT_"
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_OUR_URLS = ("queue_url", "callback_url")  # the deployment sets them; all others are the provider's


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


S = TypeVar("S", bound=Settings)


def read_settings(kind: type[S], environment: Mapping[str, str]) -> S:
    """Read the settings of a function.

    Raises:
        SettingsError: a variable is missing or cannot be read, and the message names it; or a URL
            is unsafe, or `allow_loopback` is set outside the local cloud.
    """
    # Annotations are texts here: every module imports them from the future.
    hints = get_type_hints(kind)
    values: dict[str, object] = {}
    for field in fields(kind):
        name = variable(field.name)
        text = environment.get(name)
        if text is not None:
            values[field.name] = _read(name, text, hints[field.name])
        elif field.default is MISSING:
            raise SettingsError(f"the environment variable {name} is missing")
    settings = kind(**values)  # type: ignore[arg-type] # each is read as its field's type
    if isinstance(settings, JobSettings):
        _check_urls(settings, environment.get("AWS_ENDPOINT_URL", ""))
    return settings


def _check_urls(settings: JobSettings, aws_endpoint: str) -> None:
    """Plain http and loopback exist only on the local cloud."""
    if settings.allow_loopback and urlsplit(aws_endpoint).hostname not in _LOOPBACK_HOSTS:
        raise SettingsError(
            f"{variable('allow_loopback')} is only for the local cloud: "
            "it needs AWS_ENDPOINT_URL on a loopback address",
        )
    for field in fields(settings):
        if field.name.endswith("_url") and not field.name.endswith(_OUR_URLS):
            _check_url(getattr(settings, field.name), allow_loopback=settings.allow_loopback)


def _check_url(url: str, *, allow_loopback: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return
    if allow_loopback and parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS:
        return
    raise SettingsError(f"{url!r} must begin with https:// (http only for loopback, locally)")


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


def _positive_number(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise ValueError(text)
    return number


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or amount < 0:
        raise ValueError(text)
    return amount


def _texts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


_DURATION_UNITS = {"_SECONDS": "seconds", "_DAYS": "days"}
_READERS: dict[object, tuple[Callable[[str], object], str]] = {
    str: (str, "text"),
    bool: (_flag, "'true' or 'false'"),
    int: (_positive_number, "a whole number above 0"),
    Decimal: (_amount, "a number from 0 up"),
    Transport: (Transport, "'presigned' or 'files'"),
    tuple[str, ...]: (_texts, "texts with commas between"),
    Pixels: (Pixels, "'model' or 'source'"),
    MonitoringLevel: (MonitoringLevel, "'basic' or 'full'"),
}


def _read(name: str, text: str, kind: type) -> object:
    unit = next((unit for end, unit in _DURATION_UNITS.items() if name.endswith(end)), None)
    reader, expected = _READERS[int if kind is timedelta else kind]
    try:
        if kind is timedelta and unit:
            return timedelta(**{unit: _positive_number(text)})
        return reader(text)
    except (ValueError, InvalidOperation, OverflowError) as exc:
        raise SettingsError(f"{name} must be {expected}, not {text!r}") from exc
