"""Tests of pages in a real browser. Without a Chromium they do not run, and pytest names them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.chromium import chromium, running
from tests.support.cli.console_server import watched

collect_ignore_glob = [] if chromium() else ["test_*.py"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, which ends with the module."""
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def watched_window(browser: Browser) -> tuple[Page, list[str]]:
    """The window of all tests of a module, as each that opens takes a second, and its errors."""
    page = browser.new_page()
    return page, watched(page)


@pytest.fixture
def window(watched_window: tuple[Page, list[str]]) -> Iterator[Page]:
    """An empty window, in which no script fails and the policy refuses nothing."""
    page, complaints = watched_window
    yield page
    page.unroute_all()
    page.goto("about:blank")
    found = complaints.copy()
    complaints.clear()
    assert found == []
