"""Alarms, metrics and schedules of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cutout.cli.aws.deployment import AlarmFact, ScheduleFact
from cutout.cli.aws.parts_aws import Parts, name_in, title_of
from cutout.cli.output.dashboard.definition import Points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from cutout.cli.output.dashboard.definition import Series

_QUERIES = 500
"""GetMetricData takes so many."""


class Monitors(Parts):
    """What watches the stack."""

    def schedules(self) -> Sequence[ScheduleFact]:
        """Return what starts functions now and then."""
        client = self._client("scheduler")
        told = [
            client.get_schedule(Name=part.physical_id)
            for part in self._parts("AWS::Scheduler::Schedule")
        ]
        return [
            ScheduleFact(
                name=one["Name"],
                is_enabled=one["State"] == "ENABLED",
                expression=one["ScheduleExpression"],
                target=name_in(one["Target"]["Arn"]),
            )
            for one in told
        ]

    def alarms(self) -> Sequence[AlarmFact]:
        """Return the stack's alarms."""
        parts = self._parts("AWS::CloudWatch::Alarm")
        titles = {part.physical_id: title_of(part.logical_id) for part in parts}
        client, names, found = self._client("cloudwatch"), list(titles), []
        for start in range(0, len(names), 100):
            told = client.describe_alarms(AlarmNames=names[start : start + 100], MaxRecords=100)
            found += told["MetricAlarms"]
        return [
            AlarmFact(
                name=titles[one["AlarmName"]].removeprefix("Monitoring"),
                state=one["StateValue"],
                description=one.get("AlarmDescription", ""),
                topics=tuple(one.get("AlarmActions", ())),
            )
            for one in found
        ]

    def listeners(self, topic: str) -> Mapping[str, bool]:
        """Return who is told by a topic, and whether they have confirmed."""
        told = self._client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return {one["Endpoint"]: one["SubscriptionArn"].startswith("arn:") for one in told}

    def latest(
        self, namespace: str, metric: str, *, statistic: str, of: tuple[str, str], within: timedelta
    ) -> tuple[datetime, float] | None:
        """Return a metric's latest value that is not 0, and its minute."""
        now = self._clock.now()
        answer = self._client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": of[0], "Value": of[1]}],
            StartTime=now - within,
            EndTime=now,
            Period=60,
            Statistics=[statistic],
        )
        points = [(one["Timestamp"], one[statistic]) for one in answer["Datapoints"]]
        return max((point for point in points if point[1]), default=None)

    def dashboard(self, name: str) -> str:
        """Return a dashboard's definition, as JSON."""
        told = self._client("cloudwatch").get_dashboard(DashboardName=name)
        return str(told["DashboardBody"])

    def values(self, series: Sequence[Series], start: datetime, end: datetime) -> list[Points]:
        """Return the values of each series between two times, oldest first."""
        client = self._client("cloudwatch")
        found: list[dict[str, list[tuple[datetime, float]]]] = []
        for first in range(0, len(series), _QUERIES):
            some = series[first : first + _QUERIES]
            found.append({f"q{number}": [] for number, _ in enumerate(some)})
            queries = [_query(f"q{number}", one) for number, one in enumerate(some)]
            pages = client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampAscending"
            )
            for one in (result for page in pages for result in page["MetricDataResults"]):
                found[-1][one["Id"]] += zip(one["Timestamps"], one["Values"], strict=True)
        values = [points for some in found for points in some.values()]
        return [Points(series=one, values=it) for one, it in zip(series, values, strict=True)]


def _query(name: str, series: Series) -> dict[str, Any]:
    metric = {
        "Namespace": series.namespace,
        "MetricName": series.metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in series.dimensions],
    }
    asked = {"Metric": metric, "Period": series.period, "Stat": series.statistic}
    return {"Id": name, "MetricStat": asked}
