"""MiniStack's CloudWatch with the metrics that the local cloud adds."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.infra.local.conftest import Cloud

_SOURCE = """
import json

def handler(event, context):
    for line in event["lines"]:
        print(line)
    if event.get("fails"):
        raise RuntimeError("as asked")
"""


@dataclass(frozen=True)
class Printer:
    """A function that prints the lines of its event."""

    name: str
    functions: Any

    def prints(self, *lines: str, fails: bool = False) -> None:
        """Run it."""
        event = json.dumps({"lines": lines, "fails": fails})
        self.functions.invoke(FunctionName=self.name, Payload=event)


@pytest.fixture(scope="module")
def printer(cloud: Cloud) -> Printer:
    """The function, created once."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as asset:
        asset.writestr("index.py", _SOURCE)
    name, functions = f"printer-{uuid.uuid4().hex[:8]}", cloud.client("lambda")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = cloud.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": file.getvalue()},
    )
    return Printer(name, functions)


def _embedded(stack: str, **values: float | list[float]) -> str:
    """Return a line in the embedded metric format, as the functions print it."""
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    directive = {"Namespace": "Ours", "Dimensions": [["stack"]], "Metrics": metrics}
    told = {"Timestamp": 1, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": told, "stack": stack, **values})


def _values(
    cloud: Cloud, namespace: str, name: str, statistic: str, **dimensions: str
) -> list[float]:
    now = datetime.now(UTC)
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    asked = {"Metric": metric, "Period": 3600, "Stat": statistic}
    answer = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "q", "MetricStat": asked}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
    )
    return list(answer["MetricDataResults"][0]["Values"])


def test_embedded_metrics_are_read_as_metrics(cloud: Cloud, printer: Printer) -> None:
    """Every value is in the series of its line's dimensions."""
    printer.prints(
        "no metric", '{"_aws": 1}', _embedded("a", Photos=[1, 3]), _embedded("b", Photos=9)
    )
    assert _values(cloud, "Ours", "Photos", "Sum", stack="a") == [4]
    assert _values(cloud, "Ours", "Photos", "p50", stack="a") == [2]
    assert _values(cloud, "Ours", "Photos", "Sum", stack="b") == [9]


def test_alarm_uses_only_its_own_series(cloud: Cloud, printer: Printer) -> None:
    """A metric of another deployment with the same name does not trigger it."""
    printer.prints(_embedded("mine", Lost=0), _embedded("theirs", Lost=5))
    watch = cloud.client("cloudwatch")
    names = {stack: f"{stack}-{printer.name}" for stack in ("mine", "theirs")}
    for stack, name in names.items():
        watch.put_metric_alarm(
            AlarmName=name,
            Namespace="Ours",
            MetricName="Lost",
            Dimensions=[{"Name": "stack", "Value": stack}],
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
    alarms = watch.describe_alarms(AlarmNames=list(names.values()))["MetricAlarms"]
    states = {one["AlarmName"]: one["StateValue"] for one in alarms}
    assert states == {names["mine"]: "OK", names["theirs"]: "ALARM"}
