"""The stack as CloudFormation describes it."""

from __future__ import annotations

from typing import Any

import pytest

from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.description import DescribedStack
from cutout.cli.aws.target import Target

_VARIABLES = {
    "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
    "AWS_CA_BUNDLE": "none.pem",
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_REGION": "eu-central-1",
}


class _Clients(TargetClients):
    """CloudFormation with one stack."""

    def client(self, service: str) -> Any:
        assert service == "cloudformation"
        return self

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 - the SDK's name
        arn = f"arn:aws:cloudformation:eu-central-1:111111111111:stack/{StackName}/0815"
        return {"Stacks": [{"StackId": arn, "StackStatus": "CREATE_COMPLETE"}]}


@pytest.mark.parametrize(
    ("target", "account"),
    [
        (Target(stack="Cutout", region="eu-central-1"), "111111111111"),
        (Target(stack="Cutout", variables=_VARIABLES), ""),
    ],
    ids=["AWS", "local cloud"],
)
def test_the_account_is_that_of_the_stack(target: Target, account: str) -> None:
    """A role may use a stack's name in any account; all local clouds have the same account."""
    described = DescribedStack(_Clients(target), target.stack).existing()
    assert described.account == account
