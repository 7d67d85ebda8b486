"""StoreResult's handler: callbacks and polls come in, one message at a time, each on its own."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from cutout.adapters.telemetry_powertools import PowertoolsTelemetry, metrics_of_all
from cutout.events import read_callback
from cutout.ports.queues import Wake
from cutout.wiring.store import StoreApp, build

logger = Logger()
metrics = metrics_of_all()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def _app() -> StoreApp:
    metrics.set_default_dimensions(stack=os.environ["CUTOUT_STACK"])
    return build(os.environ, PowertoolsTelemetry(logger, metrics))


def record_handler(record: SQSRecord) -> None:
    """One message."""
    message = read_callback(record.body)
    attempt = message.attempt if isinstance(message, Wake) else None
    with logger.append_context_keys(job_id=message.job_id, attempt=attempt):
        _app().take(message)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:  # noqa: ANN401 - as Powertools
    """Reports which messages failed; SQS delivers those again."""
    return process_partial_response(
        event=event,
        record_handler=record_handler,
        processor=processor,
        context=context,
    )


# Lambda runs imports with a whole processor and handlers with a share of one: what can be made
# before the first event is made here. Anywhere else, importing this module makes nothing.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _app()
