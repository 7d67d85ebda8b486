"""Builds a metric of CloudWatch from a name, for alarms and the dashboard."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from cutout.domain.metrics import NAMESPACE, SERVICE

FIVE_MINUTES: Final = Duration.minutes(5)
ONE_MINUTE: Final = Duration.minutes(1)


@dataclass(frozen=True)
class MetricBuilder:
    """Builds the metrics of one deployment; it lists none."""

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
        """Return a metric by its name, which is one of `cutout.domain.metrics.Metric`."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            # CloudWatch finds a metric only by all of its dimensions.
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
            dimensions_map={"stack": self.deployment, "service": SERVICE},
            statistic=statistic,
            label=label,
            color=color,
            period=period,
        )
