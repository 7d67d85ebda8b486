"""What the functions have in common that work off a queue: one message at a time, each by itself.

A message that fails is delivered again, and the others of its batch are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from cutout.adapters.telemetry_powertools import PowertoolsTelemetry

Handler = Callable[[dict[str, Any], LambdaContext], Any]


def worker(
    record_handler: Callable[[SQSRecord], None], logger: Logger, metrics: Metrics
) -> Handler:
    """The handler that Lambda calls with a batch of messages.

    Args:
        record_handler: does what one message asks for; what it raises fails that message alone.
        logger: is told the invocation's context.
        metrics: are written out at the end of each invocation.
    """
    telemetry = PowertoolsTelemetry(logger, metrics)
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def handle(record: SQSRecord) -> None:
        try:
            record_handler(record)
        except Exception:
            # The processor reports it to SQS and says nothing: Lambda counts no error, either.
            telemetry.failed(
                "message failed: it is delivered again, and after the last time a dead letter",
                job_id=_job_named(record.body),
                message_id=record.message_id,
                receives=record.attributes.approximate_receive_count,
            )
            raise

    def handler(event: dict[str, Any], context: LambdaContext) -> Any:  # noqa: ANN401 - as Powertools
        # Tells which messages failed; SQS delivers those again.
        return process_partial_response(
            event=event,
            record_handler=handle,
            processor=processor,
            context=context,
        )

    told: Handler = logger.inject_lambda_context(handler)
    counted: Handler = metrics.log_metrics(told)
    return counted


def _job_named(body: str) -> str | None:
    """The job that a message of ours names; None for an event of S3, or what nobody can read."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    job_id = told.get("job") if isinstance(told, dict) else None
    return job_id if isinstance(job_id, str) else None
