"""Reads a function's settings: the only code that takes its variables out of the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar, get_type_hints
from urllib.parse import urlsplit

from cutout.domain.errors import SettingsError
from cutout.domain.function_settings import JobSettings, Settings, variable
from cutout.domain.metrics import MonitoringLevel
from cutout.domain.states import Pixels, Transport

_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_OUR_URLS = ("queue_url", "callback_url")  # the deployment sets them; all others are the provider's
S = TypeVar("S", bound=Settings)


def read_settings(kind: type[S], environment: Mapping[str, str]) -> S:
    """Read the settings of a function.

    SettingsError names a variable that is missing or cannot be read, a URL that is unsafe, or
    `allow_loopback` outside the local cloud.
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
