"""What a function makes when it starts, and what it does not."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from cutout.domain.errors import SettingsError
from tests.functions.conftest import Start
from tests.functions.deployed import HANDLERS

FUNCTIONS = pytest.mark.parametrize("service", HANDLERS)


@FUNCTIONS
@pytest.mark.parametrize("is_lambda", [True, False])
def test_only_lambda_makes_clients_at_import(
    service: str,
    is_lambda: bool,  # noqa: FBT001 - a column of the table
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There imports run with a whole processor; tests and tools that import make no client."""
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    if is_lambda:
        monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    assert start(service).apps_made == is_lambda


@FUNCTIONS
def test_function_names_the_missing_variable_of_its_environment(
    service: str,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When it starts, and not in the middle of a photo."""
    needed = {
        "submit": "UPLOADS_BUCKET",
        "prepare": "WORK_BUCKET",
        "store-result": "UPLOADS_BUCKET",
    }
    name = "CUTOUT_" + needed.get(service, "CALLBACKS_QUEUE_URL")
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    with pytest.raises(SettingsError, match=f"the environment variable {name} is missing"):
        start(service, without=name)


@pytest.mark.parametrize("service", ["prepare", "store-result"])
def test_starting_function_deletes_files_of_the_previous_one(
    service: str,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That one ran out of time in the middle of a photo; Lambda reuses the disk."""
    left = Path(tempfile.gettempdir()) / "cutout-4194305-a1b2"
    left.mkdir(exist_ok=True)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    start(service)
    assert not left.exists()
