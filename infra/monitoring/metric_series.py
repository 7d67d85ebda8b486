"""The metrics that alarms and the dashboard read, under the names that the functions write."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE: Final = "Cutout"
SERVICE: Final = "cutout"
"""All functions count under one name: what two of them count is one series."""

FIVE_MINUTES: Final = Duration.minutes(5)
ONE_MINUTE: Final = Duration.minutes(1)

STATES: Final[Mapping[str, str]] = {
    "queued": "SecondsQueued",
    "submitting": "SecondsSubmitting",
    "unconfirmed": "SecondsUnconfirmed",
    "processing": "SecondsProcessing",
    "storing": "SecondsStoring",
}
"""How long jobs stood in each state that they left."""

OUTCOMES: Final[Mapping[str, str]] = {
    "completed": "JobsCompleted",
    "review": "JobsInReview",
    "failed": "JobsFailed",
    "rejected": "JobsRejected",
    "superseded": "JobsSuperseded",
}
"""How jobs ended."""

PAUSES: Final[Mapping[str, str]] = {
    "out of credits": "PausedOutOfCredits",
    "key refused": "PausedKeyRefused",
    "rate limited": "PausedRateLimited",
    "by a person": "PausedByPerson",
}
"""Why the gate is paused: 1 while it is."""


@dataclass(frozen=True)
class MetricSeries:
    """The metrics of one deployment."""

    deployment: str

    def of(
        self,
        name: str,
        statistic: str,
        *,
        label: str | None = None,
        color: str | None = None,
        period: Duration = FIVE_MINUTES,
    ) -> cloudwatch.Metric:
        """Return a metric of the functions, by the name that they count it under."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"stack": self.deployment, "service": SERVICE},
            statistic=statistic,
            label=label,
            color=color,
            period=period,
        )
