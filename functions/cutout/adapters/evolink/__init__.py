"""Evolink, as `wiring/chosen_provider.py` names it: task API, file store, callbacks, balance.

Each function imports what it needs when it is called. ReceiveCallback only reads the body of
callbacks: importing the task API would lengthen its cold start for nothing. No function has the
name of a module: Python sets a module that is imported as an attribute of its package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cutout.domain.function_settings import variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cutout.domain.function_settings import JobSettings
    from cutout.domain.provider_outcomes import Terms
    from cutout.ports.http import ApiKey, Http
    from cutout.ports.provider_api import Balance, Files, Provider


def tasks(http: Http, settings: JobSettings, api_key: ApiKey) -> Provider:
    """The API that makes and reads tasks."""
    from cutout.adapters.evolink.task_api import EvolinkApi

    return EvolinkApi(http, settings.evolink_base_url, settings.model, api_key)


def file_store(http: Http, settings: JobSettings, api_key: ApiKey) -> Files:
    """The store that copies of photos are handed over in."""
    from cutout.adapters.evolink.files_api import EvolinkFiles

    return EvolinkFiles(http, settings.evolink_files_url, api_key)


def terms() -> Terms:
    """What the provider promises, and its prices."""
    from cutout.adapters.evolink.promises_and_prices import TERMS

    return TERMS


def task_id_of_callback(body: bytes | str) -> str | None:
    """The id of the task in a callback's body, if it is valid."""
    from cutout.adapters.evolink.json_answers import body_object, task_id_in, task_in

    return task_id_in(task_in(body_object(body)))


def balance(http: Http, environment: Mapping[str, str], key: str) -> Balance:
    """Read the balance of the account; errors are part of the answer.

    The environment is that of a function that calls the task API.
    """
    from cutout.adapters.evolink.account_balance import read_balance

    return read_balance(http, environment[variable("evolink_base_url")], key)
