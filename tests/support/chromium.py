"""The browser of the tests: a Chromium that is installed on the machine."""

from __future__ import annotations

import shutil

_COMMANDS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of a Chromium; None if there is none."""
    return next(filter(None, map(shutil.which, _COMMANDS)), None)
