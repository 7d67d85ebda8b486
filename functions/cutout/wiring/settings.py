"""The functions' settings: the one place that knows the names of environment variables.

Each function gets only what it uses. Nothing here reads the environment by itself; wiring passes
it in, and a test feeds each synthesized environment through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Self, get_type_hints
from urllib.parse import urlsplit

from cutout.domain.errors import SettingsError
from cutout.domain.gate import Limits
from cutout.domain.states import Pixels, Transport

_PREFIX = "CUTOUT_"
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What every function needs."""

    stack: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the fields of this class from variables `CUTOUT_{FIELD}`.

        Raises:
            SettingsError: a variable is missing or cannot be read; the message names it.
        """
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        for field in fields(cls):
            name = _PREFIX + field.name.upper()
            text = environment.get(name)
            if text is not None:
                values[field.name] = _read(name, text, hints[field.name])
            elif field.default is MISSING:
                raise SettingsError(f"the environment variable {name} is missing")
        return cls(**values)


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

    @property
    def limits(self) -> Limits:
        """The gate's limits, as they are deployed."""
        return Limits(max_in_flight=self.max_in_flight, daily_credit_cap=self.daily_credit_cap)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiveSettings(Settings):
    """Settings of ReceiveCallback."""

    callbacks_queue_url: str
    signing_key_secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareSettings(Settings):
    """Settings of Prepare. It is told what it has, which a decoder may not use up."""

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

    calls_table: str
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

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """As the base class; plain http and loopback exist only on the local cloud.

        Raises:
            SettingsError: also for an unsafe URL, or `allow_loopback` outside the local cloud.
        """
        # Zero-argument super() does not survive slots=True before Python 3.14.
        settings = super(JobSettings, cls).from_environment(environment)
        endpoint = environment.get("AWS_ENDPOINT_URL", "")
        if settings.allow_loopback and urlsplit(endpoint).hostname not in _LOOPBACK_HOSTS:
            raise SettingsError(
                f"{_PREFIX}ALLOW_LOOPBACK is only for the local cloud: "
                "it needs AWS_ENDPOINT_URL on a loopback address",
            )
        for url in (settings.evolink_base_url, settings.evolink_files_url):
            _check_url(url, allow_loopback=settings.allow_loopback)
        return settings


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitSettings(JobSettings):
    """Settings of Submit."""

    jobs_table_arn: str
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
_READERS: dict[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "text"),
    bool: (_flag, "'true' or 'false'"),
    int: (_positive_number, "a whole number above 0"),
    Decimal: (_amount, "a number from 0 up"),
    Transport: (Transport, "'presigned' or 'files'"),
    tuple[str, ...]: (_texts, "texts with commas between"),
    Pixels: (Pixels, "'model' or 'source'"),
}


def _read(name: str, text: str, kind: type) -> object:
    unit = next((unit for end, unit in _DURATION_UNITS.items() if name.endswith(end)), None)
    reader, expected = _READERS[int if kind is timedelta else kind]
    try:
        value = reader(text)
        return timedelta(**{unit: value}) if kind is timedelta and unit else value
    except (ValueError, InvalidOperation, OverflowError) as exc:
        raise SettingsError(f"{name} must be {expected}, not {text!r}") from exc
