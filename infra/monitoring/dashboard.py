"""The dashboard: states of alarms, then jobs, the gate, errors, queues and functions."""

from collections.abc import Mapping, Sequence
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
# The label and the color of each.
_PAUSES: Final[Mapping[Metric, tuple[str, str]]] = {
    Metric.PAUSED_OUT_OF_CREDITS: ("out of credits", "#d62728"),
    Metric.PAUSED_KEY_REFUSED: ("key refused", "#9467bd"),
    Metric.PAUSED_RATE_LIMITED: ("rate limited", "#e6a700"),
    Metric.PAUSED_BY_PERSON: ("by a person", "#1f77b4"),
}

Metrics = Sequence[cloudwatch.Metric]
Row = list[cloudwatch.IWidget]


def dashboard_rows(
    metrics: MetricBuilder,
    *,
    functions: Mapping[str, lambda_.Function],
    queues: Mapping[str, sqs.Queue],
    alarms: Sequence[cloudwatch.Alarm],
) -> list[Row]:
    """Return the rows of widgets."""
    return [
        [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=_COLUMNS)],
        _photos(metrics),
        _times(metrics),
        _gate(metrics),
        _trouble(metrics, functions),
        _machinery(functions, queues),
    ]


def _photos(metrics: MetricBuilder) -> Row:
    settled = [
        metrics.of(metric, "Sum", label=state, color=_SETTLED_COLORS[state], period=ONE_MINUTE)
        for state, metric in JOBS_SETTLED.items()
    ]
    through = [
        metrics.of(Metric.ADMITTED, "Sum", label="let in", period=ONE_MINUTE),
        metrics.of(Metric.COMPLETED, "Sum", label="completed", period=ONE_MINUTE),
    ]
    credits_ = [
        metrics.of(Metric.CREDITS, "Sum", label="credits", period=ONE_MINUTE),
        metrics.of(Metric.CREDITS_SAVED, "Sum", label="saved by reuse", period=ONE_MINUTE),
    ]
    return [
        _graph("Throughput, photos a minute", through),
        _graph("Outcomes, photos a minute", settled, is_stacked=True),
        _graph("Spend, credits a minute", credits_),
    ]


def _times(metrics: MetricBuilder) -> Row:
    def times(statistic: str) -> list[cloudwatch.Metric]:
        return [
            metrics.of(metric, statistic, label=state, period=ONE_MINUTE)
            for state, metric in TIME_IN_STATE.items()
        ]

    whole = [
        metrics.of(Metric.SECONDS_TO_COMPLETE, one, label=one, period=ONE_MINUTE)
        for one in ("p50", "p90")
    ]
    return [
        _graph("Time in each state, p50, seconds", times("p50")),
        _graph("Time in each state, p90, seconds", times("p90")),
        _graph("Upload to cut-out, seconds", whole),
    ]


def _gate(metrics: MetricBuilder) -> Row:
    jobs = [
        metrics.of(Metric.IN_FLIGHT, "Maximum", label="in flight", period=ONE_MINUTE),
        metrics.of(Metric.WAITING, "Maximum", label="waiting", period=ONE_MINUTE),
    ]
    paused = [
        metrics.of(metric, "Maximum", label=label, color=color, period=ONE_MINUTE)
        for metric, (label, color) in _PAUSES.items()
    ]
    cap = [metrics.of(Metric.CAP_USED_PERCENT, "Maximum", label="of the cap", period=ONE_MINUTE)]
    return [
        _graph("Gate, photos", jobs),
        _graph("Gate paused because", paused, is_stacked=True),
        _graph("Spend of the day, percent of the cap", cap),
    ]


def _trouble(metrics: MetricBuilder, functions: Mapping[str, lambda_.Function]) -> Row:
    odd = {
        "recovered by poll": Metric.RECOVERED_BY_POLL,
        "outcome unknown": Metric.OUTCOME_UNKNOWN,
        "possible double charge": Metric.POSSIBLE_DOUBLE_CHARGE,
        "callback refused": Metric.CALLBACK_REFUSED,
    }
    ages = {
        "in flight": Metric.OLDEST_IN_FLIGHT_SECONDS,
        "waiting": Metric.OLDEST_WAITING_SECONDS,
        "overdue": Metric.OLDEST_DUE_SECONDS,
    }
    errors = [one.metric_errors(label=title) for title, one in functions.items()]
    return [
        _graph(
            "Oldest, seconds",
            [
                metrics.of(metric, "Maximum", label=label, period=ONE_MINUTE)
                for label, metric in ages.items()
            ],
        ),
        _graph(
            "Out of the ordinary, a minute",
            [
                metrics.of(metric, "Sum", label=label, period=ONE_MINUTE)
                for label, metric in odd.items()
            ],
            is_stacked=True,
        ),
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
