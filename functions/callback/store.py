"""StoreResult's handler: callbacks and polls come in, one message at a time, each on its own."""

from __future__ import annotations

import os
from functools import cache

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from cutout.adapters.telemetry_powertools import (
    PowertoolsTelemetry,
    json_logger,
    metrics_of_all,
)
from cutout.domain.messages import TaskCheck, read_callback
from cutout.usecases.shared.temp_folder import clear_left_behind
from cutout.wiring.store import StoreApp, build
from cutout.wiring.worker import worker

logger = json_logger()
metrics = metrics_of_all()


@cache
def _app() -> StoreApp:
    metrics.set_default_dimensions(stack=os.environ["CUTOUT_STACK"])
    clear_left_behind()
    return build(os.environ, PowertoolsTelemetry(logger, metrics))


def record_handler(record: SQSRecord) -> None:
    """One message."""
    message = read_callback(record.body)
    attempt = message.attempt if isinstance(message, TaskCheck) else None
    with logger.append_context_keys(job_id=message.job_id, attempt=attempt):
        _app().take(message)


handler = worker(record_handler, logger, metrics)

# Lambda runs imports with a whole processor and handlers with a share of one: what can be made
# before the first event is made here. Anywhere else, importing this module makes nothing.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _app()
