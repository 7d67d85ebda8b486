"""What MiniStack 1.5.33 leaves out of CloudWatch, put in: the metrics that alarms and people read.

With it the local cloud's alarms go off and its dashboard shows what happened, from the metrics that
the functions write there as they do on AWS.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from types import FunctionType
from typing import Any

_SAMPLE_SECONDS = 1.0
_UNITS = {"Errors": "Count", "Invocations": "Count", "Duration": "Milliseconds"}


def mend_metrics() -> None:
    """Put everything in; call once MiniStack is imported, before it serves."""
    _judge_alarms_by_their_own_series()
    _read_metrics_out_of_logs()


def _judge_alarms_by_their_own_series() -> None:
    """An alarm is about one series: of its metric's name, with its dimensions and no others.

    MiniStack's own rule is run on what is left when all other series are taken away.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
    """
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
        seen = vars(cloudwatch) | {"_metrics": {series: list(points)}}
        FunctionType(rule.__code__, seen)(alarm)

    cloudwatch._evaluate_alarm = evaluate  # noqa: SLF001


def _read_metrics_out_of_logs() -> None:
    """Lines in the embedded metric format become metrics; each run of a function is measured.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
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
        """Runs are measured where they end, whoever started them; here, who was not let run."""
        if throttle:
            dimensions = {"FunctionName": function_name}
            cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", dimensions)

    lambda_svc._emit_lambda_logs = logs_and_metrics  # noqa: SLF001
    lambda_svc._emit_lambda_metrics = throttles  # noqa: SLF001


def _record_embedded(cloudwatch: Any, line: str) -> None:  # noqa: ANN401 - a module of MiniStack
    """Record what a line holds if it is of the embedded metric format."""
    if '"_aws"' not in line:
        return
    try:
        told = json.loads(line)
        described = told["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    for directive in described:
        for names in directive["Dimensions"]:
            dimensions = {name: str(told[name]) for name in names}
            for metric in directive["Metrics"]:
                values = told[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    cloudwatch.record_metric(
                        directive["Namespace"], metric["Name"], value, unit, dimensions
                    )


class _Sampler:
    """Looks at queues and alarms now and then, when functions run; Sweep does every minute.

    AWS measures queues and judges alarms once a minute:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def sample(self) -> None:
        """Look, unless somebody just did."""
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
    """Measure how many messages can be received, and how old the oldest of all is."""
    messages = list(queue["messages"])
    visible = [one for one in messages if one.get("visible_at", 0) <= now]
    ages = [now - one.get("sent_at", now) for one in messages]
    dimensions = {"QueueName": queue["name"]}
    depth, age = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
    cloudwatch.record_metric("AWS/SQS", depth, len(visible), "Count", dimensions)
    cloudwatch.record_metric("AWS/SQS", age, max(ages, default=0), "Seconds", dimensions)
