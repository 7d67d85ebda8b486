"""Log lines as CloudWatch gets them: each is one line of JSON, whatever text it contains."""

from __future__ import annotations

import io
import json
import logging
from uuid import uuid4

import pytest
from aws_lambda_powertools import Logger

from cutout.adapters.telemetry_powertools import (
    LOGGED_BYTES,
    PowertoolsTelemetry,
    json_logger,
    metrics_of_all,
)
from cutout.domain.metrics import Metric, MonitoringLevel


def told(error: Exception, **fields: object) -> dict[str, object]:
    """Return the log line of an exception, with these fields beside it."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    service = uuid4().hex
    logger = json_logger(service, stream)
    # A report of pytest's cannot hold the surrogates that it would capture.
    logging.getLogger(service).propagate = False
    telemetry = PowertoolsTelemetry(logger, metrics_of_all())
    try:
        raise error
    except type(error):
        telemetry.failed("a step failed", **fields)
    stream.seek(0)
    (line,) = stream.read().splitlines()
    written: dict[str, object] = json.loads(line)
    return written


def test_log_line_of_an_exception_is_an_error_with_its_traceback() -> None:
    """A person has to find the cause."""
    line = told(ValueError("defect"), task_id="task-1", failures=3, names=["a"])
    assert (line["level"], line["message"]) == ("ERROR", "a step failed")
    assert (line["task_id"], line["failures"], line["names"]) == ("task-1", 3, ["a"])
    assert line["exception_name"] == "ValueError"
    assert "ValueError: defect" in str(line["exception"])


def test_field_that_is_too_long_or_not_text_does_not_lose_the_line() -> None:
    """CloudWatch takes 256 KB, and the stream takes UTF-8."""
    line = told(ValueError("\ud800"), task_id="\ud800" * 300_000)
    assert isinstance(line["task_id"], str)
    assert len(line["task_id"].encode()) <= LOGGED_BYTES


@pytest.mark.parametrize(
    ("monitoring", "expected"),
    [
        (MonitoringLevel.BASIC, {Metric.COMPLETED}),
        (MonitoringLevel.FULL, {Metric.COMPLETED, Metric.CREDITS}),
    ],
)
def test_deployment_writes_only_the_metrics_of_its_monitoring_level(
    monitoring: MonitoringLevel, expected: set[Metric]
) -> None:
    """CloudWatch charges for a metric by the month, even if it gets one value."""
    metrics = metrics_of_all()
    metrics.clear_metrics()
    telemetry = PowertoolsTelemetry(Logger(), metrics, monitoring)
    telemetry.metric(Metric.COMPLETED)
    telemetry.metric(Metric.CREDITS, 5.4)
    written = set(metrics.metric_set)
    metrics.clear_metrics()
    assert written == expected
