"""The stack as CloudFormation describes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.aws.description import DescribedStack
from cutout.cli.aws.stack_resources import StackResources
from cutout.cli.aws.target import Target
from tests.support.cli.clock import NOON, HandClock

_VARIABLES = {
    "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
    "AWS_CA_BUNDLE": "none.pem",
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_REGION": "eu-central-1",
}


_OUTPUTS = {
    "UploadsBucketName": "uploads",
    "ResultsBucketName": "results",
    "JobsTableName": "jobs",
    "SubmissionsQueueUrl": "https://sqs.example/submissions",
    "CallbacksQueueUrl": "https://sqs.example/callbacks",
}
_ON_AWS = Target(stack="Cutout", region="eu-central-1")


class _Clients(TargetClients):
    """CloudFormation with one stack, and DynamoDB with an empty table."""

    def __init__(self, target: Target, described: Mapping[str, object]) -> None:
        super().__init__(target)
        self.described = described
        self.queried: list[object] = []

    def client(self, service: str) -> Any:
        assert service in {"cloudformation", "dynamodb"}
        return self

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 - the SDK's name
        arn = f"arn:aws:cloudformation:eu-central-1:111111111111:stack/{StackName}/0815"
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in _OUTPUTS.items()]
        return {"Stacks": [{"StackId": arn, "Outputs": outputs, **self.described}]}

    def query(self, **request: Any) -> Any:
        self.queried += [request["ExpressionAttributeValues"][":p"]]
        return {"Items": []}


@pytest.mark.parametrize(
    ("target", "account"),
    [(_ON_AWS, "111111111111"), (Target(stack="Cutout", variables=_VARIABLES), "")],
    ids=["AWS", "local cloud"],
)
def test_the_account_is_that_of_the_stack(target: Target, account: str) -> None:
    """A role may use a stack's name in any account; all local clouds have the same account."""
    clients = _Clients(target, {"StackStatus": "CREATE_COMPLETE"})
    described = DescribedStack(clients, target.stack).existing()
    assert described.account == account


@pytest.mark.parametrize(
    ("status", "updated", "reads_earlier"),
    [
        ("CREATE_COMPLETE", None, False),
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
        ("CREATE_COMPLETE", timedelta(minutes=1), False),
        ("UPDATE_COMPLETE", timedelta(days=29), True),
        ("UPDATE_ROLLBACK_COMPLETE", timedelta(days=29), True),
        ("UPDATE_COMPLETE", timedelta(days=31), False),
    ],
)
def test_moving_jobs_of_earlier_versions_are_listed_after_an_update(
    status: str, updated: timedelta | None, *, reads_earlier: bool
) -> None:
    """For a month: a job's deadline is a week at most. They take five queries of six."""
    described: dict[str, object] = {"StackStatus": status}
    if updated:
        described["LastUpdatedTime"] = NOON - updated
    clients = _Clients(_ON_AWS, described)
    stack = Stack(StackResources(clients, _ON_AWS), HandClock())
    assert list(stack.index.moving()) == []
    assert len(clients.queried) == (6 if reads_earlier else 1)
    assert clients.queried[0] == {"S": "moving"}
