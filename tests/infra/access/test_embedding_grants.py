"""What the construct offers an embedding stack: grants, events, metrics."""

import json

import pytest
from aws_cdk import Stack
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from aws_lambda_powertools import Logger, Metrics

from cutout.adapters.telemetry_powertools import PowertoolsTelemetry, metrics_of_all
from cutout.domain.metrics import Metric
from infra.settings.settings import Settings
from tests.infra.embedding_stack import Make, read


def test_granted_roles_may_upload_and_read_and_no_more(stack: Stack, make: Make) -> None:
    """A web shop's role uploads under the prefix, and reads results and jobs."""
    cutout = make(settings=Settings(upload_prefix="in/"), kms_key=kms.Key(stack, "Key"))
    shop = iam.Role(stack, "Shop", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    cutout.grant_upload(shop).assert_success()
    cutout.grant_read_results(shop)
    cutout.grant_read_jobs(shop)
    reading = read(stack)
    granted = reading.granted("Shop")
    assert {one for one in granted if not one[0].startswith("kms:")} == {
        ("s3:PutObject", "<Uploads.Arn>/in/*"),
        ("s3:PutObjectTagging", "<Uploads.Arn>/in/*"),
        ("s3:AbortMultipartUpload", "<Uploads.Arn>/in/*"),
        ("s3:GetObject", "<Results.Arn>/*"),
        ("s3:GetObjectVersion", "<Results.Arn>/*"),
        ("s3:GetObjectTagging", "<Results.Arn>/*"),
        ("dynamodb:GetItem", "<Jobs.Arn>"),
        ("dynamodb:BatchGetItem", "<Jobs.Arn>"),
        ("dynamodb:Query", "<Jobs.Arn>"),
        ("dynamodb:GetItem", "<Jobs.Arn>/index/*"),
        ("dynamodb:BatchGetItem", "<Jobs.Arn>/index/*"),
        ("dynamodb:Query", "<Jobs.Arn>/index/*"),
    }
    assert ("kms:GenerateDataKey", "<Key.Arn>") in granted


def test_rules_get_the_events_of_this_deployment(stack: Stack, make: Make) -> None:
    """On the deployment's bus, for its bucket and prefix alone."""
    cutout = make(settings=Settings(upload_prefix="in/"))
    cutout.on_completed("Tell", targets.SqsQueue(sqs.Queue(stack, "Shop")))
    cutout.on_completed("Regret", targets.SqsQueue(sqs.Queue(stack, "Desk")), is_failure=True)
    rules = read(stack).of_type("AWS::Events::Rule")
    source = {"bucket": ["<Uploads>"], "key": [{"prefix": "in/"}]}
    assert {name: rules[name]["EventPattern"] for name in ("Tell", "Regret")} == {
        "Tell": {
            "source": ["cutout"],
            "detail-type": ["Cutout Completed"],
            "detail": {"source": source},
        },
        "Regret": {
            "source": ["cutout"],
            "detail-type": ["Cutout Failed"],
            "detail": {"source": source},
        },
    }


def test_metrics_are_those_that_the_functions_write(
    stack: Stack, make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Namespace, name and dimensions are those of the embedded metric line that is written."""
    cutout = make(name="Shop")
    asked = (cutout.metric_completed(), cutout.metric_credits(), cutout.metric_tasks_in_flight())
    variables = read(stack).properties("StoreResultFunction")["Environment"]["Variables"]
    namespace = "POWERTOOLS_METRICS_NAMESPACE"
    monkeypatch.setenv(namespace, variables[namespace])
    metrics = metrics_of_all()
    _forget_dimensions(metrics)
    metrics.set_default_dimensions(stack="Shop")
    telemetry = PowertoolsTelemetry(Logger(), metrics)
    for counted in (Metric.COMPLETED, Metric.CREDITS, Metric.IN_FLIGHT):
        telemetry.metric(counted)
    metrics.flush_metrics()
    _forget_dimensions(metrics)
    line = json.loads(capsys.readouterr().out)
    (told,) = line["_aws"]["CloudWatchMetrics"]
    (dimensions,) = told["Dimensions"]
    for one, name in zip(asked, [metric["Name"] for metric in told["Metrics"]], strict=True):
        assert (one.namespace, one.metric_name) == (told["Namespace"], name)
        assert one.dimensions == {dimension: line[dimension] for dimension in dimensions}
    assert [one.statistic for one in asked] == ["Sum", "Sum", "Maximum"]


def _forget_dimensions(metrics: Metrics) -> None:
    """All metrics of a process share their dimensions, also those of other tests."""
    metrics.clear_default_dimensions()
    metrics.clear_metrics()
