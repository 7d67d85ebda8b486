"""The provider that this deployment uses: its task API, file store, terms, key and balance.

Only `callback_function` names the provider besides, for what reads a callback's body: the function
that receives callbacks ships nothing that calls the provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cutout.adapters.evolink.api_key import refusal_of
from cutout.adapters.evolink.files_api import EvolinkFiles
from cutout.adapters.evolink.task_api import TERMS, EvolinkApi
from cutout.domain.function_settings import variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cutout.adapters.evolink.account import ApiKey, Http
    from cutout.adapters.evolink.account_balance import Balance
    from cutout.domain.function_settings import JobSettings
    from cutout.ports.provider_api import Files, Provider

__all__ = ["TERMS", "Balance", "Http", "balance", "file_store", "refusal_of", "server", "task_api"]


def task_api(http: Http, settings: JobSettings, api_key: ApiKey) -> Provider:
    """The API that makes and reads tasks."""
    return EvolinkApi(http, settings.evolink_base_url, settings.model, api_key)


def file_store(http: Http, settings: JobSettings, api_key: ApiKey) -> Files:
    """The store that copies of photos are handed over in."""
    return EvolinkFiles(http, settings.evolink_files_url, api_key)


def server(environment: Mapping[str, str]) -> str:
    """The task API's URL in the environment of a function that calls it."""
    return environment[variable("evolink_base_url")]


def balance(http: Http, environment: Mapping[str, str], key: str) -> Balance:
    """Read the balance of the account; errors are part of the answer."""
    from cutout.adapters.evolink.account_balance import (  # noqa: PLC0415 - no function reads it
        read_balance,
    )

    return read_balance(http, server(environment), key)
