"""The encryption keys of resources that CloudFormation creates on MiniStack."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.infra.local.conftest import Cloud

_KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def _bucket(key: str | None) -> dict[str, Any]:
    named = {"KMSMasterKeyID": key} if key else {}
    default = {"SSEAlgorithm": "aws:kms", **named}
    rule = {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": default}
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]}}


def _resources(key: str | None) -> dict[str, Any]:
    table = {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": (
            {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
            if key
            else {"SSEEnabled": False}
        ),
    }
    topic = {"KmsMasterKeyId": key} if key else {"DisplayName": "Alarms"}
    return {
        "Photos": {"Type": "AWS::S3::Bucket", "Properties": _bucket(key)},
        "Jobs": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        "Alarms": {"Type": "AWS::SNS::Topic", "Properties": topic},
    }


def _template(key: str | None) -> str:
    return json.dumps({"Resources": _resources(key)})


def _told(cloud: Cloud, stack: str) -> tuple[str | None, str | None, str | None]:
    """Return the keys of bucket, table and topic."""
    found = cloud.client("cloudformation").list_stack_resources(StackName=stack)
    names = {
        it["LogicalResourceId"]: it["PhysicalResourceId"] for it in found["StackResourceSummaries"]
    }
    answer = cloud.client("s3").get_bucket_encryption(Bucket=names["Photos"])
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    table = cloud.client("dynamodb").describe_table(TableName=names["Jobs"])["Table"]
    topic = cloud.client("sns").get_topic_attributes(TopicArn=names["Alarms"])["Attributes"]
    return (
        rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"),
        table.get("SSEDescription", {}).get("KMSMasterKeyArn"),
        topic.get("KmsMasterKeyId"),
    )


@pytest.mark.parametrize(("first", "then"), [(_KEY, None), (None, _KEY)])
def test_resources_have_the_key_of_their_template(
    cloud: Cloud, first: str | None, then: str | None
) -> None:
    """After creation and after an update, as on AWS."""
    client, stack = cloud.client("cloudformation"), f"encrypted-{uuid.uuid4().hex[:8]}"
    client.create_stack(StackName=stack, TemplateBody=_template(first))
    client.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert _told(cloud, stack) == (first,) * 3
    client.update_stack(StackName=stack, TemplateBody=_template(then))
    client.get_waiter("stack_update_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert _told(cloud, stack) == (then,) * 3


def test_bucket_without_a_key_has_s3s_own_encryption(cloud: Cloud) -> None:
    """The CDK's bootstrap bucket is one; the CDK uploads assets with the bucket's algorithm."""
    client, stack = cloud.client("cloudformation"), f"encrypted-{uuid.uuid4().hex[:8]}"
    bucket = {"Type": "AWS::S3::Bucket", "Properties": _bucket(None)}
    client.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": {"Own": bucket}}))
    client.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    found = client.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    name, s3 = found[0]["PhysicalResourceId"], cloud.client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    told = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    s3.put_object(Bucket=name, Key="a.zip", Body=b"a", ServerSideEncryption=told)
    assert s3.get_object(Bucket=name, Key="a.zip")["Body"].read() == b"a"
