"""Sweep's handler: runs once a minute."""

from __future__ import annotations

from typing import Any

from cutout.usecases.sweep.sweep import Sweep
from cutout.wiring.lambda_app import LambdaApp
from cutout.wiring.sweep_function import build


def answer(sweep: Sweep, _event: dict[str, Any]) -> dict[str, int]:
    """Sweep, and answer how many jobs were due."""
    return {"due": sweep.sweep()}


app = LambdaApp(build)
handler = app.on_event(answer)
