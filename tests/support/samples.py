"""The one loader of the samples in `events/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "events"
SIGNING_KEY = b"0ZbSamplesAreSignedWithThisKeyAndNothingElseEverIs0123456789abcd"
"""The key that the callback tokens in the samples are signed with."""


def sample(name: str) -> dict[str, Any]:
    """The sample `events/{name}.json`, read afresh, so that a test may change it."""
    value: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return value


def schema(name: str) -> dict[str, Any]:
    """The schema `events/schema/{name}.schema.json` of one of our own events."""
    path = FOLDER / "schema" / f"{name}.schema.json"
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
