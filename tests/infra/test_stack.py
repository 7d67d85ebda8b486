"""The stack as a whole, and the construct inside another stack."""

from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from infra.constructs.cutout import Cutout
from infra.deployed_functions import Asset, FunctionName
from infra.settings.settings import Settings
from infra.settings.value_rules import SettingError
from infra.version import version_of
from tests.infra.template_view import Synthesize, TemplateView

OUTPUTS = {
    "UploadsBucketName": "<Uploads>",
    "ResultsBucketName": "<Results>",
    "WorkBucketName": "<Work>",
    "JobsTableName": "<Jobs>",
    "CallbackUrl": "<CallbackApi.ApiEndpoint>",
    "ApiKeySecretName": "Cutout/evolink-api-key",
    "SubmissionsQueueUrl": "<SubmissionsQueue>",
    "PreparationsQueueUrl": "<PreparationsQueue>",
    "CallbacksQueueUrl": "<CallbacksQueue>",
    "SubmissionsDeadLetterQueueUrl": "<SubmissionsDeadLetters>",
    "PreparationsDeadLetterQueueUrl": "<PreparationsDeadLetters>",
    "CallbacksDeadLetterQueueUrl": "<CallbacksDeadLetters>",
    "Version": version_of(Path(__file__).parents[2]),
}

TYPES = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::Secret",
}


def test_stack_has_these_outputs(template: TemplateView) -> None:
    """The command line and other programs depend on their names and meanings."""
    assert template.outputs == OUTPUTS


def test_stack_has_these_types_of_resources(template: TemplateView) -> None:
    """No custom resource and no helper function."""
    assert template.types() == TYPES


def test_secrets_have_the_name_of_the_stack(synthesize: Synthesize) -> None:
    """Several deployments are possible in one account."""
    reading = synthesize(Settings(stack="Staging"))
    named = {one["Name"] for one in reading.of_type("AWS::SecretsManager::Secret").values()}
    assert named == {"Staging/evolink-api-key", "Staging/callback-signing-key"}
    assert reading.outputs["ApiKeySecretName"] == "Staging/evolink-api-key"


def test_changed_limits_replace_no_resource(template: TemplateView, synthesize: Synthesize) -> None:
    """Resources that hold data keep their ids whatever limit or time is changed."""
    other = synthesize(Settings(max_in_flight=10, lease_seconds=60, log_retention_days=30))
    assert set(other.resources) == set(template.resources)


def test_two_constructs_in_one_stack_are_independent(
    stack: Stack, stand_in_assets: dict[FunctionName, Asset]
) -> None:
    """The construct is embedded twice, on two places of one bucket that is not its own.

    What each makes for itself, it makes in a bucket of its own.
    """
    photos = s3.Bucket.from_bucket_name(stack, "Photos", "photos-of-ours")
    results = s3.Bucket.from_bucket_name(stack, "CutOuts", "cut-outs-of-ours")
    for name in ("Shoes", "Hats"):
        Cutout(
            stack,
            name,
            settings=Settings(upload_prefix=f"{name}/", result_prefix=f"{name}/"),
            assets=stand_in_assets,
            name=f"Shop-{name}",
            uploads_bucket=photos,
            results_bucket=results,
        )
    template = Template.from_stack(stack)
    rules = template.find_resources("AWS::Events::Rule").values()
    watched = [one["Properties"]["EventPattern"]["detail"] for one in rules]
    template.resource_count_is("AWS::S3::Bucket", 2)
    assert watched == [
        {"bucket": {"name": ["photos-of-ours"]}, "object": {"key": [{"prefix": "Shoes/"}]}},
        {"bucket": {"name": ["photos-of-ours"]}, "object": {"key": [{"prefix": "Hats/"}]}},
    ]


@pytest.mark.parametrize(
    ("upload_prefix", "result_prefix"),
    [
        ("", ""),
        ("photos/", ""),
        ("", "cut-outs/"),
        ("photos/", "photos/"),
        ("photos/", "photos/out/"),
        ("photos/in/", "photos/"),
        ("p", "photos/"),
        ("review/", "cut-outs/"),
        ("re", "cut-outs/"),
        ("review/again/", "cut-outs/"),
    ],
)
def test_results_among_photos_are_refused(
    stack: Stack,
    stand_in_assets: dict[FunctionName, Asset],
    upload_prefix: str,
    result_prefix: str,
) -> None:
    """In one bucket, each cut-out would be taken for a photo."""
    bucket = s3.Bucket(stack, "Both")
    with pytest.raises(SettingError, match="give upload_prefix and result_prefix two places"):
        Cutout(
            stack,
            "Cutout",
            settings=Settings(upload_prefix=upload_prefix, result_prefix=result_prefix),
            assets=stand_in_assets,
            uploads_bucket=bucket,
            results_bucket=bucket,
        )


def test_two_handles_of_one_bucket_are_recognised(
    stack: Stack, stand_in_assets: dict[FunctionName, Asset]
) -> None:
    """By its name."""
    with pytest.raises(SettingError, match="share a bucket"):
        Cutout(
            stack,
            "Cutout",
            settings=Settings(),
            assets=stand_in_assets,
            uploads_bucket=s3.Bucket.from_bucket_name(stack, "In", "ours"),
            results_bucket=s3.Bucket.from_bucket_name(stack, "Out", "ours"),
        )


def test_one_bucket_with_two_separate_prefixes_is_accepted(
    stack: Stack, stand_in_assets: dict[FunctionName, Asset]
) -> None:
    """Photos and cut-outs can share a bucket if neither prefix contains the other."""
    bucket = s3.Bucket(stack, "Both")
    cutout = Cutout(
        stack,
        "Cutout",
        settings=Settings(upload_prefix="photos/", result_prefix="cut-outs/"),
        assets=stand_in_assets,
        uploads_bucket=bucket,
        results_bucket=bucket,
    )
    assert cutout.uploads_bucket is cutout.results_bucket
