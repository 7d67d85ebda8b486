"""Logs and metrics through Powertools: JSON lines and the embedded metric format."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TextIO

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cutout.domain.metrics import BASIC_METRICS, SERVICE, TIME_IN_STATE, Metric, MonitoringLevel
from cutout.domain.sanitize import plain_json, shortened

_SECONDS = frozenset(
    {
        Metric.SECONDS_TO_COMPLETE,
        Metric.OLDEST_DUE_SECONDS,
        Metric.OLDEST_IN_FLIGHT_SECONDS,
        Metric.OLDEST_WAITING_SECONDS,
        *TIME_IN_STATE.values(),
    }
)
LOGGED_BYTES = 1000
"""Of each field of a log line."""
_PERCENT = frozenset({Metric.CAP_USED_PERCENT, Metric.FAILED_PERCENT})


def json_logger(service: str | None = None, stream: TextIO | None = None) -> Logger:
    """The log of one function."""
    # Lines hold text of strangers, are shown in terminals and go to a stream of UTF-8: control
    # characters and what UTF-8 cannot hold are escaped.
    return Logger(service=service, stream=stream, json_serializer=plain_json)


def metrics_of_all() -> Metrics:
    """The metrics of one function, in the series that all functions share."""
    return Metrics(service=SERVICE)


class PowertoolsTelemetry:
    """Writes the log of one function, and the metrics of the level `monitoring`."""

    def __init__(
        self, logger: Logger, metrics: Metrics, monitoring: MonitoringLevel = MonitoringLevel.FULL
    ) -> None:
        self._logger = logger
        self._metrics = metrics
        self.monitoring = monitoring

    def log(self, message: str, /, **fields: object) -> None:
        """One log line; fields, which may hold text of strangers, are shortened to a limit."""
        self._logger.info(message, extra=_logged(fields))

    def about(self, **fields: object) -> AbstractContextManager[None]:
        """Add these fields to every log line within the block."""
        return self._logger.append_context_keys(**fields)

    def failed(self, message: str, /, **fields: object) -> None:
        """An error line with the traceback of the handled exception, which is counted."""
        self._logger.error(message, exc_info=sys.exception(), extra=_logged(fields))
        self.metric(Metric.STEPS_FAILED)

    def metric(self, metric: Metric, value: float = 1) -> None:
        """Add to a metric, if this deployment has it."""
        if self.monitoring is MonitoringLevel.FULL or metric in BASIC_METRICS:
            self._metrics.add_metric(name=metric.value, unit=_unit(metric), value=value)


def _logged(fields: dict[str, object]) -> dict[str, object]:
    return {
        # Not isinstance: the values of our enums are texts as well, and stay what they are.
        name: shortened(item, LOGGED_BYTES) if type(item) is str else item
        for name, item in fields.items()
    }


def _unit(metric: Metric) -> MetricUnit:
    if metric in _SECONDS:
        return MetricUnit.Seconds
    return MetricUnit.Percent if metric in _PERCENT else MetricUnit.Count
