"""Prepare's handler: jobs whose photos need a copy come in, one message at a time."""

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
from cutout.events import read_due
from cutout.wiring.prepare import PrepareApp, build

logger = Logger()
metrics = metrics_of_all()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def _app() -> PrepareApp:
    metrics.set_default_dimensions(stack=os.environ["CUTOUT_STACK"])
    return build(os.environ, PowertoolsTelemetry(logger, metrics))


def record_handler(record: SQSRecord) -> None:
    """One message."""
    app = _app()
    due = read_due(record.body)
    with logger.append_context_keys(job_id=due.job_id):
        job = app.jobs.find(due.job_id)
        if job is not None:
            app.prepare.prepare(job)


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
