"""What the local cloud corrects in MiniStack is still wrong there.

A correction that an upgrade has made needless fails here: then it goes from
`infra.local.ministack.corrections`. What the corrections do is tested in `tests/infra/local`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cutout.wiring.aws_clients import Clients
from tests.support.aws_account import REGION, Emulator

SEND = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
QUERY = {
    "Type": "AWS::Logs::QueryDefinition",
    "Properties": {"Name": "query", "QueryString": "fields @message"},
}


@pytest.fixture
def clients(started: Callable[[str], Emulator]) -> Iterator[Clients]:
    """An empty account."""
    with started("ministack").account() as clients:
        yield clients


def _client(service: str, access_key_id: str, secret_access_key: str) -> Any:
    session: Any = boto3.Session(
        region_name=REGION,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
    )
    return session.client(service)


@pytest.fixture
def root(started: Callable[[str], Emulator]) -> Iterator[Callable[[str], Any]]:
    """Clients of any service, in an empty account, of a user who may do everything."""
    emulator = started("ministack")
    with emulator.account():
        yield lambda name: _client(name, emulator.access_key_id, emulator.secret_access_key)


def test_wildcards_of_policies_do_not_match_line_breaks() -> None:
    """On AWS they match any character, and a key may have line breaks."""
    from ministack.core.iam_evaluator import fnmatch_iam_cs  # noqa: PLC0415 - reads its environment

    assert not fnmatch_iam_cs("arn:aws:s3:::uploads/a\nb.jpg", "arn:aws:s3:::uploads/*")


def test_event_of_a_bucket_with_versioning_does_not_name_the_version(clients: Clients) -> None:
    """AWS names it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html."""
    s3, sqs, events = clients.s3, clients.sqs, clients.events
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    events.put_rule(Name="all", EventPattern='{"source": ["aws.s3"]}')
    events.put_targets(Rule="all", Targets=[{"Id": "q", "Arn": arn}])
    s3.put_object(Bucket="uploads", Key="a.jpg", Body=b"x")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert "version-id" not in json.loads(message["Body"])["detail"]["object"]


def test_user_who_may_send_a_message_may_not_send_a_batch(root: Callable[[str], Any]) -> None:
    """SQS has no permission of its own for batches."""
    url = root("sqs").create_queue(QueueName="batches")["QueueUrl"]
    iam = root("iam")
    iam.create_user(UserName="sender")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [SEND]})
    iam.put_user_policy(UserName="sender", PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName="sender")["AccessKey"]
    sender = _client("sqs", key["AccessKeyId"], key["SecretAccessKey"])
    with pytest.raises(ClientError, match="AccessDenied"):
        sender.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}])


def test_template_with_a_saved_query_is_refused(root: Callable[[str], Any]) -> None:
    """CloudFormation knows the type AWS::Logs::QueryDefinition."""
    template = json.dumps({"Resources": {"Query": QUERY}})
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        root("cloudformation").create_stack(StackName="queries", TemplateBody=template)
