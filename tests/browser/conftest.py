"""Tests of pages in a real browser. Without a Chromium they do not run, and pytest names them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.chromium import chromium

collect_ignore_glob = [] if chromium() else ["test_*.py"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium.

    Its driver runs an event loop in this thread until it is closed, so that no other module's tests
    may run meanwhile: those of coroutines would fail.
    """
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium())
        yield started
        started.close()
