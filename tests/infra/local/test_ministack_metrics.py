"""The embedded CloudWatch, with what the local cloud adds to it."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.processes.waiting import MachineClock, wait_until
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
    """A function that prints what it is told."""

    name: str
    functions: Any

    def prints(self, *lines: str, fails: bool = False) -> None:
        """Run it."""
        event = json.dumps({"lines": lines, "fails": fails})
        self.functions.invoke(FunctionName=self.name, Payload=event)


@pytest.fixture(scope="module")
def printer(cloud: Cloud) -> Printer:
    """The function, made once."""
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


def test_embedded_metrics_are_metrics(cloud: Cloud, printer: Printer) -> None:
    """Each value counts, in the series of the line's dimensions."""
    printer.prints(
        "no metric", '{"_aws": 1}', _embedded("a", Photos=[1, 3]), _embedded("b", Photos=9)
    )
    assert _values(cloud, "Ours", "Photos", "Sum", stack="a") == [4]
    assert _values(cloud, "Ours", "Photos", "p50", stack="a") == [2]
    assert _values(cloud, "Ours", "Photos", "Sum", stack="b") == [9]


def test_every_run_is_measured_once(cloud: Cloud, printer: Printer) -> None:
    """Whoever starts the function; what it raises is an error."""
    measured = ("Invocations", "Errors")
    before = [
        sum(_values(cloud, "AWS/Lambda", it, "Sum", FunctionName=printer.name)) for it in measured
    ]
    printer.prints("fine")
    printer.prints(fails=True)
    after = [
        sum(_values(cloud, "AWS/Lambda", it, "Sum", FunctionName=printer.name)) for it in measured
    ]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1]


def test_an_alarm_is_about_its_own_series(cloud: Cloud, printer: Printer) -> None:
    """What another deployment counts under the same name does not set it off."""
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


def test_queues_are_measured_while_functions_run(cloud: Cloud, printer: Printer) -> None:
    """Their depth, for alarms on dead letters."""
    name = f"queue-{uuid.uuid4().hex[:8]}"
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="lost")

    def is_measured() -> bool:
        printer.prints("fine")
        depth = "ApproximateNumberOfMessagesVisible"
        return _values(cloud, "AWS/SQS", depth, "Maximum", QueueName=name) == [1]

    assert wait_until(is_measured, MachineClock(), timeout_seconds=30)
