"""What the construct gives to the rest of somebody else's stack: grants, events, metrics."""

from aws_cdk import Stack
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs

from infra.settings import Settings
from tests.infra.elsewhere import Make, read


def test_others_may_upload_and_read_what_they_are_granted(stack: Stack, make: Make) -> None:
    """A web shop's role uploads under the prefix, reads results and rows, and no more."""
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


def test_others_are_told_of_each_cut_out_of_this_deployment(stack: Stack, make: Make) -> None:
    """A rule on the deployment's bus, for its bucket and prefix alone."""
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


def test_others_draw_its_metrics(make: Make) -> None:
    """Each is found where the functions publish it."""
    cutout = make(name="Shop")
    found = {
        (one.metric_name, one.statistic, one.dimensions["service"], one.dimensions["stack"])
        for one in (
            cutout.metric_completed(),
            cutout.metric_credits(),
            cutout.metric_tasks_in_flight(),
        )
        if one.dimensions
    }
    assert found == {
        ("JobsCompleted", "Sum", "store-result", "Shop"),
        ("CreditsCharged", "Sum", "store-result", "Shop"),
        ("TasksInFlight", "Maximum", "sweep", "Shop"),
    }
