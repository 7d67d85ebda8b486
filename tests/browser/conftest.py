"""Tests of pages in a real browser. Without a Chromium they do not run, and pytest names them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import chromium, running

collect_ignore_glob = [] if chromium() else ["test_*.py"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, which ends with the module."""
    with running() as started:
        yield started
