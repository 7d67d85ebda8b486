"""Prepare's handler: wishes for copies of photos come in, one message at a time."""

from __future__ import annotations

import os
from functools import cache

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from cutout.adapters.telemetry_powertools import (
    PowertoolsTelemetry,
    json_logger,
    metrics_of_all,
)
from cutout.domain.messages import read_request
from cutout.usecases.prepare.prepare_copy import PrepareCopy
from cutout.usecases.shared.temp_folder import clear_left_behind
from cutout.wiring.prepare import build
from cutout.wiring.worker import worker

logger = json_logger()
metrics = metrics_of_all()


@cache
def _app() -> PrepareCopy:
    metrics.set_default_dimensions(stack=os.environ["CUTOUT_STACK"])
    clear_left_behind()
    return build(os.environ, PowertoolsTelemetry(logger, metrics))


def record_handler(record: SQSRecord) -> None:
    """One message."""
    request = read_request(record.body)
    if request is None:
        logger.info("ignored: an earlier version asked, and Submit asks again")
        return
    with logger.append_context_keys(job_id=request.job_id):
        _app().prepare(request)


handler = worker(record_handler, logger, metrics)

# Lambda runs imports with a whole processor and handlers with a share of one: what can be made
# before the first event is made here. Anywhere else, importing this module makes nothing.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _app()
