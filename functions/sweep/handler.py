"""Sweep's handler: runs once a minute."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cutout.adapters.telemetry_powertools import (
    PowertoolsTelemetry,
    json_logger,
    metrics_of_all,
)
from cutout.usecases.sweep.sweep import Sweep
from cutout.wiring.sweep import build

logger = json_logger()
metrics = metrics_of_all()


@cache
def _app() -> Sweep:
    metrics.set_default_dimensions(stack=os.environ["CUTOUT_STACK"])
    return build(os.environ, PowertoolsTelemetry(logger, metrics))


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001
    """Answers how many jobs were due."""
    return {"due": _app().sweep()}


# Lambda runs imports with a whole processor and handlers with a share of one: what can be made
# before the first event is made here. Anywhere else, importing this module makes nothing.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _app()
