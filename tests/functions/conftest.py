"""A stack for each test, and functions that start cold in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.functions.deployed import Function, Stack, deploy
from tests.support.aws_account import cloud

Start = Callable[..., Function]


@pytest.fixture
def stack() -> Iterator[Stack]:
    """An empty stack."""
    with cloud() as clients:
        yield deploy(clients)


@pytest.fixture
def start(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Start:
    """Starts a function by its service name, with the provider at this address.

    A variable can be left out of its environment.
    """

    def begin(
        service: str,
        provider_url: str = "http://127.0.0.1:9",
        without: str | None = None,
    ) -> Function:
        for name, value in stack.environment(provider_url).items():
            monkeypatch.setenv(name, value)
        if without is not None:
            monkeypatch.delenv(without)
        return Function(service, monkeypatch, capsys)

    return begin
