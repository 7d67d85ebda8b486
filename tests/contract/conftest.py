"""The contract of the adapters, on more than one emulator of AWS.

Emulators differ from each other where they are wrong about AWS, and agree mostly where they are
right. What one of them does other than AWS says is in `differences.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.contract.differences import difference
from tests.support.aws_account import Account, Emulator, cloud
from tests.support.emulators import Start, ministack

BESIDES_MOTO = pytest.StashKey[dict[str, Start]]()
"""How the emulators are started that a run is about, by name. A plug-in may set it."""

_FAKE = "fake"
_MOTO = "moto"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that take an account on each emulator, those that take a fake also on the fake."""
    stash = metafunc.config.stash
    emulators = [*stash[BESIDES_MOTO]] if BESIDES_MOTO in stash else [_MOTO, "ministack"]
    if "account" in metafunc.fixturenames:
        metafunc.parametrize("account", emulators, indirect=True)
    if "account_or_fake" in metafunc.fixturenames:
        metafunc.parametrize("account_or_fake", [_FAKE, *emulators], indirect=True)


@pytest.fixture(scope="session")
def started(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Emulator]]:
    """Emulators by name; each is started once, when it is first asked for."""
    starts = pytestconfig.stash.get(BESIDES_MOTO, {"ministack": ministack})
    running: dict[str, Emulator] = {}
    with ExitStack() as stack:

        def start(name: str) -> Emulator:
            if name not in running:
                folder = tmp_path_factory.mktemp(name)
                running[name] = stack.enter_context(starts[name](folder))
            return running[name]

        yield start


@pytest.fixture
def account(request: pytest.FixtureRequest, started: Callable[[str], Emulator]) -> Account:
    """Opens an empty account of an emulator."""
    name: str = request.param
    return _account(request, name, started)


@pytest.fixture
def account_or_fake(
    request: pytest.FixtureRequest, started: Callable[[str], Emulator]
) -> Account | None:
    """An empty account of an emulator, or None where a test runs on its fake."""
    name: str = request.param
    return None if name == _FAKE else _account(request, name, started)


def _account(
    request: pytest.FixtureRequest, name: str, started: Callable[[str], Emulator]
) -> Account:
    reason = difference(name, request.node)
    if reason is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return cloud if name == _MOTO else started(name).account
