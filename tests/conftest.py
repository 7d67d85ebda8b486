"""What holds for the tests of every tier."""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import botocore
import pytest
from hypothesis import HealthCheck, settings

from tests.support.chromium import chromium
from tests.support.service_models import check_answers, share_models

# The machine is shared: how long an example takes says nothing.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


def pytest_configure() -> None:
    """Check what AWS, or what stands in for it, answers in any test."""
    gc.disable()
    botocore.register_initializer(check_answers)
    botocore.register_initializer(share_models)
    # Ended by another program, fixtures stop the servers that they started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Look for garbage only among what the tests make: walking all tests takes half a second."""
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


def pytest_unconfigure() -> None:
    """Leave the SDK as it was."""
    botocore.unregister_initializer(check_answers)
    botocore.unregister_initializer(share_models)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name the tests that did not run because they need a browser."""
    folder = Path(__file__).parent / "browser"
    asked = any(folder.is_relative_to(Path(one).resolve()) for one in config.args)
    if asked and chromium() is None:
        names = ", ".join(sorted(f"{one.parent.name}/{one.name}" for one in folder.glob("test_*")))
        terminalreporter.write_line(f"NOT RUN without a Chromium (apt install chromium): {names}")
