"""Instant, a made-up provider, with the functions that `wiring/chosen_provider.py` names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from cutout.domain.function_settings import JobSettings
from cutout.domain.provider_outcomes import Terms
from cutout.ports.http import ApiKey, Http
from cutout.ports.provider_api import Balance, Files, Provider
from tests.support.providers.instant.adapter import ADDRESS, InstantProvider, NoFiles

__all__ = ["balance", "file_store", "task_id_of_callback", "tasks", "terms"]


def tasks(http: Http, settings: JobSettings, api_key: ApiKey) -> Provider:  # noqa: ARG001 - no key
    """The API that makes cut-outs."""
    return InstantProvider(http)


def file_store(http: Http, settings: JobSettings, api_key: ApiKey) -> Files:  # noqa: ARG001 - none
    """Instant has no file store: it refuses copies."""
    return NoFiles()


def terms() -> Terms:
    """Results are kept for an hour, and known at once."""
    return Terms(
        results_last=timedelta(hours=1),
        task_visibility_delay=timedelta(0),
        usual_price=Decimal(3),
        cents_a_credit=Decimal(1),
        price_list=date(2026, 1, 1),
    )


def task_id_of_callback(body: bytes | str) -> str | None:  # noqa: ARG001 - there are none
    """Instant sends no callbacks."""
    return None


def balance(http: Http, environment: Mapping[str, str], key: str) -> Balance:  # noqa: ARG001 - no key
    """Read what is left of the prepaid amount."""
    answer = http.send("GET", f"{ADDRESS}/purse", headers={})
    cents = json.loads(answer.body)["cents"]
    return Balance(server=ADDRESS, status=answer.status, credits=cents)
