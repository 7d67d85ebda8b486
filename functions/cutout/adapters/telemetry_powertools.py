"""Logs and metrics through Powertools: JSON lines and the embedded metric format."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cutout.ports import Metric

_UNITS = {
    Metric.SECONDS_TO_COMPLETE: MetricUnit.Seconds,
    Metric.OLDEST_DUE_SECONDS: MetricUnit.Seconds,
}


class PowertoolsTelemetry:
    """Facts go to the function's log, counts to its metrics."""

    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger = logger
        self._metrics = metrics

    def fact(self, message: str, /, **fields: object) -> None:
        """One log line with its fields."""
        self._logger.info(message, extra=fields)

    def count(self, metric: Metric, value: float = 1) -> None:
        """Add to a metric."""
        unit = _UNITS.get(metric, MetricUnit.Count)
        self._metrics.add_metric(name=metric.value, unit=unit, value=value)
