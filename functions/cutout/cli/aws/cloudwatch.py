"""Alarms, metrics and the dashboard of a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cutout.cli.aws.description import DescribedStack
from cutout.domain.dataclass import dataclass

if TYPE_CHECKING:
    from cutout.cli.output.dashboard.definition import Points, Series

_NAMES = 100  # DescribeAlarms takes no more in one request


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm; its state is `OK`, `ALARM` or `INSUFFICIENT_DATA`."""

    name: str
    state: str
    description: str
    topics: Sequence[str]


class StackMonitors(DescribedStack):
    """The stack in CloudWatch and SNS."""

    def alarms(self) -> Sequence[Alarm]:
        """Return the stack's alarms."""
        titles = {one.physical_id: one.title for one in self._resources("AWS::CloudWatch::Alarm")}
        client, names = self.clients.client("cloudwatch"), list(titles)
        found: list[Any] = []
        for start in range(0, len(names), _NAMES):
            some = names[start : start + _NAMES]
            found += client.describe_alarms(AlarmNames=some, MaxRecords=_NAMES)["MetricAlarms"]
        return [
            Alarm(
                name=titles[one["AlarmName"]].removeprefix("Monitoring"),
                state=one["StateValue"],
                description=one.get("AlarmDescription", ""),
                topics=tuple(one.get("AlarmActions", ())),
            )
            for one in found
        ]

    def subscribers(self, topic: str) -> Mapping[str, bool]:
        """Return the subscribers of a topic, and whether each has confirmed."""
        # The first page has 100 subscribers, which is enough to see whether there is one.
        answer = self.clients.client("sns").list_subscriptions_by_topic(TopicArn=topic)
        return {
            # Before the confirmation it is the text `PendingConfirmation`.
            # https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
            one["Endpoint"]: one["SubscriptionArn"].startswith("arn:")
            for one in answer["Subscriptions"]
        }

    def latest_value(
        self, series: Series, start: datetime, end: datetime
    ) -> tuple[datetime, float] | None:
        """Return the latest value of a metric that is not 0, and its time."""
        [points] = self.metric_values([series], start, end)
        return max(((at, value) for at, value in points.values if value), default=None)

    def dashboard(self, name: str) -> str:
        """Return a dashboard's definition, as JSON."""
        return str(
            self.clients.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
        )

    def metric_values(
        self, series: Sequence[Series], start: datetime, end: datetime
    ) -> Sequence[Points]:
        """Return the values of each series between two times, oldest first; 500 series at most."""
        from cutout.cli.output.dashboard.definition import Points  # noqa: PLC0415 - seldom needed

        # The order of the results is not promised, and a page may hold a part of a series.
        found: dict[str, list[tuple[datetime, float]]] = {f"q{n}": [] for n in range(len(series))}
        pages = (
            self.clients.client("cloudwatch")
            .get_paginator("get_metric_data")
            .paginate(
                MetricDataQueries=list(map(_query, found, series)),
                StartTime=start,
                EndTime=end,
                ScanBy="TimestampAscending",
            )
        )
        for one in (result for page in pages for result in page["MetricDataResults"]):
            found[one["Id"]] += zip(one["Timestamps"], one["Values"], strict=True)
        values = found.values()
        return [Points(series=one, values=it) for one, it in zip(series, values, strict=True)]


def _query(name: str, series: Series) -> dict[str, Any]:
    metric = {
        "Namespace": series.namespace,
        "MetricName": series.metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in series.dimensions],
    }
    stat = {"Metric": metric, "Period": series.period, "Stat": series.statistic}
    return {"Id": name, "MetricStat": stat}
