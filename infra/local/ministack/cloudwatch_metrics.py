"""The metrics of CloudWatch that MiniStack 1.5.33 does not have.

With them the local cloud's alarms fire and its dashboard shows data, from the metrics that the
functions write as they do on AWS.
"""

import functools
import json
import threading
import time
from types import FunctionType
from typing import Any

_SAMPLE_SECONDS = 1.0
_UNITS = {"Errors": "Count", "Invocations": "Count", "Duration": "Milliseconds"}


def add_metrics() -> None:
    """Add all metrics; call once MiniStack is imported, before it serves."""
    _evaluate_alarms_on_their_own_series()
    _read_metrics_from_logs()


def _evaluate_alarms_on_their_own_series() -> None:
    """Evaluate an alarm on one series: its metric's name with exactly its dimensions."""
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
    from ministack.services import cloudwatch  # noqa: PLC0415 - reads its environment

    rule = cloudwatch._evaluate_alarm  # noqa: SLF001

    @functools.wraps(rule)
    def evaluate(alarm: dict[str, Any]) -> None:
        dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []}
        series = (
            alarm.get("Namespace"),
            alarm.get("MetricName"),
            cloudwatch._dims_key(dimensions),  # noqa: SLF001
        )
        points = cloudwatch._metrics.get(series) or []  # noqa: SLF001
        # MiniStack's own rule runs on a copy that contains no other series.
        seen = vars(cloudwatch) | {"_metrics": {series: list(points)}}
        FunctionType(rule.__code__, seen)(alarm)

    cloudwatch._evaluate_alarm = evaluate  # noqa: SLF001


def _read_metrics_from_logs() -> None:
    """Record metrics of log lines in the embedded metric format, and of each run of a function."""
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    from ministack.services import cloudwatch, lambda_svc  # noqa: PLC0415 - as above

    emit_logs = lambda_svc._emit_lambda_logs  # noqa: SLF001
    sampler = _Sampler()

    @functools.wraps(emit_logs)
    def logs_and_metrics(
        func: dict[str, Any],
        request_id: str,
        log_text: str,
        error: bool,  # noqa: FBT001 - MiniStack's own
        duration_ms: int,
        **kwargs: Any,  # noqa: ANN401 - MiniStack's own
    ) -> None:
        emit_logs(func, request_id, log_text, error, duration_ms, **kwargs)
        name = (func.get("config") or func).get("FunctionName", "unknown")
        run = {"Invocations": 1.0, "Errors": float(error), "Duration": float(duration_ms)}
        for metric, value in run.items():
            cloudwatch.record_metric(
                "AWS/Lambda", metric, value, _UNITS[metric], {"FunctionName": name}
            )
        for line in (log_text or "").splitlines():
            _record_embedded(cloudwatch, line)
        sampler.sample()

    def throttles(function_name: str, *, throttle: bool, **_others: object) -> None:
        """Record throttled requests only: ``logs_and_metrics`` records the runs."""
        if throttle:
            dimensions = {"FunctionName": function_name}
            cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", dimensions)

    lambda_svc._emit_lambda_logs = logs_and_metrics  # noqa: SLF001
    lambda_svc._emit_lambda_metrics = throttles  # noqa: SLF001


def _record_embedded(cloudwatch: Any, line: str) -> None:  # noqa: ANN401 - a module of MiniStack
    """Record the metrics of a line in the embedded metric format."""
    if '"_aws"' not in line:
        return
    try:
        values_by_name = json.loads(line)
        directives = values_by_name["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for names in directive["Dimensions"]:
            dimensions = {name: str(values_by_name[name]) for name in names}
            for metric in directive["Metrics"]:
                values = values_by_name[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    cloudwatch.record_metric(
                        directive["Namespace"], metric["Name"], value, unit, dimensions
                    )


class _Sampler:
    """Measures queues and evaluates alarms when functions run, as Sweep does every minute."""

    # AWS does both once a minute.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def sample(self) -> None:
        """Measure and evaluate, at most once per second."""
        with self._lock:
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + _SAMPLE_SECONDS
        from ministack.services import cloudwatch, sqs  # noqa: PLC0415 - as above

        now = time.time()
        for queue in list(sqs._queues.values()):  # noqa: SLF001
            _measure_queue(cloudwatch, queue, now)
        cloudwatch._evaluate_all_alarms()  # noqa: SLF001


def _measure_queue(cloudwatch: Any, queue: dict[str, Any], now: float) -> None:  # noqa: ANN401 - as above
    """Record the number of visible messages and the age of the oldest message."""
    messages = list(queue["messages"])
    visible = [one for one in messages if one.get("visible_at", 0) <= now]
    ages = [now - one.get("sent_at", now) for one in messages]
    dimensions = {"QueueName": queue["name"]}
    depth, age = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
    cloudwatch.record_metric("AWS/SQS", depth, len(visible), "Count", dimensions)
    cloudwatch.record_metric("AWS/SQS", age, max(ages, default=0), "Seconds", dimensions)
