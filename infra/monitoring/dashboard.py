"""The dashboard: states of alarms, then jobs, the gate, errors, queues and functions."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from cutout.domain.metrics import JOBS_SETTLED, TIME_IN_STATE, Metric
from cutout.domain.states import State

from .metric_builder import ONE_MINUTE, MetricBuilder

_COLUMNS: Final = 24
_HEIGHT: Final = 6
_SETTLED_COLORS: Final[Mapping[State, str]] = {
    State.COMPLETED: "#2ca02c",
    State.REVIEW: "#e6a700",
    State.FAILED: "#d62728",
    State.REJECTED: "#9467bd",
    State.SUPERSEDED: "#8c8c8c",
}
_PAUSED: Final = "PAUSED_"
_PAUSE_COLORS: Final = ("#d62728", "#9467bd", "#e6a700", "#1f77b4")

Metrics = Sequence[cloudwatch.Metric]
Lines = Callable[..., Metrics]
"""`_lines` of one deployment."""
Row = list[cloudwatch.IWidget]


def dashboard_rows(
    metrics: MetricBuilder,
    *,
    functions: Mapping[str, lambda_.Function],
    queues: Mapping[str, sqs.Queue],
    alarms: Sequence[cloudwatch.Alarm],
) -> list[Row]:
    """Return the rows of widgets."""
    lines = partial(_lines, metrics)
    return [
        [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=_COLUMNS)],
        _photos(lines),
        _times(lines, metrics),
        _gate(lines),
        _trouble(lines, functions),
        _machinery(functions, queues),
    ]


def _lines(
    metrics: MetricBuilder,
    statistic: str,
    named: Mapping[str, str],
    colors: Mapping[str, str] | None = None,
) -> Metrics:
    """Return metrics of a minute by their labels, with the colors that some have."""
    return [
        metrics.of(
            metric, statistic, label=label, color=(colors or {}).get(label), period=ONE_MINUTE
        )
        for label, metric in named.items()
    ]


def _photos(lines: Lines) -> Row:
    through = lines("Sum", {"let in": Metric.ADMITTED, "completed": Metric.COMPLETED})
    settled = lines("Sum", JOBS_SETTLED, _SETTLED_COLORS)
    spent = lines("Sum", {"credits": Metric.CREDITS, "saved by reuse": Metric.CREDITS_SAVED})
    return [
        _graph("Throughput, photos a minute", through),
        _graph("Outcomes, photos a minute", settled, is_stacked=True),
        _graph("Spend, credits a minute", spent),
    ]


def _times(lines: Lines, metrics: MetricBuilder) -> Row:
    whole = [
        metrics.of(Metric.SECONDS_TO_COMPLETE, one, label=one, period=ONE_MINUTE)
        for one in ("p50", "p90")
    ]
    return [
        _graph("Time in each state, p50, seconds", lines("p50", TIME_IN_STATE)),
        _graph("Time in each state, p90, seconds", lines("p90", TIME_IN_STATE)),
        _graph("Upload to cut-out, seconds", whole),
    ]


def _gate(lines: Lines) -> Row:
    jobs = lines("Maximum", {"in flight": Metric.IN_FLIGHT, "waiting": Metric.WAITING})
    reasons = {
        one.name.removeprefix(_PAUSED).lower().replace("_", " "): one
        for one in Metric
        if one.name.startswith(_PAUSED)
    }
    paused = lines("Maximum", reasons, dict(zip(reasons, _PAUSE_COLORS, strict=False)))
    cap = lines("Maximum", {"of the cap": Metric.CAP_USED_PERCENT})
    return [
        _graph("Gate, photos", jobs),
        _graph("Gate paused because", paused, is_stacked=True),
        _graph("Spend of the day, percent of the cap", cap),
    ]


def _trouble(lines: Lines, functions: Mapping[str, lambda_.Function]) -> Row:
    ages = {
        "in flight": Metric.OLDEST_IN_FLIGHT_SECONDS,
        "waiting": Metric.OLDEST_WAITING_SECONDS,
        "overdue": Metric.OLDEST_DUE_SECONDS,
    }
    odd = {
        "recovered by poll": Metric.RECOVERED_BY_POLL,
        "outcome unknown": Metric.OUTCOME_UNKNOWN,
        "possible double charge": Metric.POSSIBLE_DOUBLE_CHARGE,
        "callback refused": Metric.CALLBACK_REFUSED,
    }
    errors = [one.metric_errors(label=title) for title, one in functions.items()]
    return [
        _graph("Oldest, seconds", lines("Maximum", ages)),
        _graph("Out of the ordinary, a minute", lines("Sum", odd), is_stacked=True),
        _graph("Function errors", errors, is_stacked=True, statistic="Sum"),
    ]


def _machinery(functions: Mapping[str, lambda_.Function], queues: Mapping[str, sqs.Queue]) -> Row:
    depths = [
        one.metric_approximate_number_of_messages_visible(label=title)
        for title, one in queues.items()
    ]
    ages = [
        one.metric_approximate_age_of_oldest_message(label=title) for title, one in queues.items()
    ]
    durations = [one.metric_duration(label=title) for title, one in functions.items()]
    return [
        _graph("Messages waiting", depths, statistic="Maximum"),
        _graph("Oldest message, seconds", ages, statistic="Maximum"),
        _graph("Function run, p90, milliseconds", durations, statistic="p90"),
    ]


def _graph(
    title: str, metrics: Metrics, *, is_stacked: bool = False, statistic: str | None = None
) -> cloudwatch.GraphWidget:
    """Draw metrics; AWS's own get the statistic that is named here."""
    shown = [
        # The construct library makes AWS's own metrics with five minutes and the average.
        one if statistic is None else one.with_(statistic=statistic, period=ONE_MINUTE)
        for one in metrics
    ]
    return cloudwatch.GraphWidget(
        title=title,
        left=list(shown),
        stacked=is_stacked,
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        width=_COLUMNS // 3,
        height=_HEIGHT,
    )
