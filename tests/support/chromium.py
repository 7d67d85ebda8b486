"""The browser of the tests: a Chromium that is installed on the machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_COMMANDS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of a Chromium; None if there is none."""
    return next(filter(None, map(shutil.which, _COMMANDS)), None)


@contextmanager
def running() -> Iterator[Browser]:
    """A headless Chromium.

    Its driver runs an event loop in this thread until it is closed, so that no other module's tests
    may run meanwhile: those of coroutines would fail.
    """
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium())
        yield started
        started.close()
