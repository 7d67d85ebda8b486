"""A customer's KMS key: what it encrypts, and who may use it."""

import json
from collections.abc import Callable
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from infra.settings.settings import Settings
from tests.infra.embedding_stack import Make, late, read
from tests.infra.template_view import Synthesize, many

KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

# The property with the key of each type that holds data.
ENCRYPTED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "AWS::S3::Bucket": lambda it: it["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
        "ServerSideEncryptionByDefault"
    ],
    "AWS::SQS::Queue": lambda it: it["KmsMasterKeyId"],
    "AWS::DynamoDB::Table": lambda it: it["SSESpecification"],
    "AWS::SecretsManager::Secret": lambda it: it["KmsKeyId"],
    "AWS::Logs::LogGroup": lambda it: it["KmsKeyId"],
    "AWS::SNS::Topic": lambda it: it["KmsMasterKeyId"],
}
HOLDS_NO_DATA_OF_ITS_OWN = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}


def test_everything_that_holds_data_is_encrypted_with_the_customers_key(
    stack: Stack, make: Make
) -> None:
    """Every resource of the template, added later or not, keeps data under the key, or keeps none.

    What a function's environment holds is names and limits; no secret is among them.
    """
    late(make(kms_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN)))
    reading = read(stack)
    kept = {
        name: json.dumps(ENCRYPTED[one["Type"]](one["Properties"]))
        for name, one in reading.resources.items()
        if one["Type"] not in HOLDS_NO_DATA_OF_ITS_OWN
    }
    assert len(kept) >= 17
    assert [name for name, encryption in kept.items() if KEY_ARN not in encryption] == []
    managed = [
        one.get("SqsManagedSseEnabled") for one in reading.of_type("AWS::SQS::Queue").values()
    ]
    assert set(managed) == {None}


USES_KEY = {
    "SubmitRole": {"dynamodb", "s3", "secretsmanager", "sqs"},
    "ReceiveCallbackRole": {"secretsmanager", "sqs"},
    "StoreResultRole": {"dynamodb", "s3", "secretsmanager", "sqs"},
    "SweepRole": {"dynamodb", "sqs"},
    "PhotoReader": {"s3"},
}


def test_each_role_may_use_the_key_only_through_its_services(stack: Stack, make: Make) -> None:
    """No role may call KMS itself, or use the key through a service that it does not use."""
    make(kms_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN))
    may = {
        role: {
            service.partition(".")[0]
            for policy in read(stack).of_type("AWS::IAM::Policy").values()
            if f"<{role}>" in policy["Roles"]
            for one in policy["PolicyDocument"]["Statement"]
            if one["Resource"] == KEY_ARN
            for service in many(one["Condition"]["StringEquals"]["kms:ViaService"])
        }
        for role in USES_KEY
    }
    assert may == USES_KEY


def test_key_of_the_stack_can_be_used_by_alarms_rules_and_logs(stack: Stack, make: Make) -> None:
    """Each has one statement; without it, alarms and uploads would be lost silently."""
    make(kms_key=kms.Key(stack, "Key"))
    [key] = read(stack).of_type("AWS::KMS::Key").values()
    services = {
        service
        for one in key["KeyPolicy"]["Statement"]
        for service in many(one["Principal"].get("Service", []))
    }
    assert services == {
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        "logs.here.amazonaws.com",
    }


def test_keys_of_existing_buckets_can_be_used(stack: Stack, make: Make) -> None:
    """Photos in a bucket with a key can be read, though the deployment has no key."""
    key = kms.Key.from_key_arn(stack, "Theirs", KEY_ARN)
    photos = s3.Bucket.from_bucket_attributes(
        stack, "Photos", bucket_name="photos", encryption_key=key
    )
    make(uploads_bucket=photos)
    reading = read(stack)
    able = {
        role
        for role in reading.of_type("AWS::IAM::Role")
        if ("kms:Decrypt", KEY_ARN) in reading.granted(role)
    }
    assert able == {"SubmitRole", "PrepareRole", "StoreResultRole", "PhotoReader"}


def test_key_of_an_attached_bucket_is_a_setting(synthesize: Synthesize) -> None:
    """Every role that reads photos may decrypt with it, that of the photo links, too."""
    settings = Settings(uploads_bucket="photos", uploads_kms_key=KEY_ARN)
    reading = synthesize(settings)
    able = {
        role
        for role in reading.of_type("AWS::IAM::Role")
        if ("kms:Decrypt", KEY_ARN) in reading.granted(role)
    }
    assert able == {"SubmitRole", "PrepareRole", "StoreResultRole", "PhotoReader"}
