"""What `wiring/chosen_provider.py` has of a provider: the functions of the adapter's package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cutout.domain.function_settings import JobSettings
from cutout.domain.provider_outcomes import Terms
from cutout.ports.http import ApiKey, Http
from cutout.ports.provider_api import Balance, Files, Provider


class ProviderModule(Protocol):
    """A package in `adapters/`; its functions are described in that of Evolink."""

    def tasks(self, http: Http, settings: JobSettings, api_key: ApiKey) -> Provider:
        """The API that makes and reads tasks."""

    def file_store(self, http: Http, settings: JobSettings, api_key: ApiKey) -> Files:
        """The store that copies of photos are handed over in."""

    def terms(self) -> Terms:
        """What the provider promises, and its prices."""

    def task_id_of_callback(self, body: bytes | str) -> str | None:
        """The id of the task in a callback's body, if it is valid."""

    def balance(self, http: Http, environment: Mapping[str, str], key: str) -> Balance:
        """Read the balance of the account; errors are part of the answer."""
