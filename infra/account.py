"""What a deployment finds in the account, and has to deal with before CloudFormation does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

_API_KEY = "evolink-api-key"
_SECRETS = (_API_KEY, "callback-signing-key")
_NOT_SET = "not-set"
_NEVER_CAME_TO_BE = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
"""How a stack stands whose first deployment failed: the CDK begins it anew, while what is to be
kept is kept even then.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
"""


@dataclass(frozen=True)
class Account:
    """An account in a region, seen with a person's credentials."""

    session: boto3.Session

    def has_stack(self, stack: str) -> bool:
        """Say whether there is a stack of that name."""
        return self._status(stack) is not None

    def _status(self, stack: str) -> str | None:
        """Return how CloudFormation says that it stands, if there is one."""
        try:
            answer = self.session.client("cloudformation").describe_stacks(StackName=stack)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                return None
            raise
        return str(answer["Stacks"][0]["StackStatus"])

    def kept_secrets(self, stack: str) -> list[str]:
        """Name the secrets that are left of an earlier stack of that name, or of a first attempt.

        CloudFormation cannot make them again, also not while they only wait for their deletion.
        """
        if came_to_be(self._status(stack)):
            return []
        names = [f"{stack}/{name}" for name in _SECRETS]
        return [name for name in names if self._has_secret(name)]

    def take_away_secrets(self, stack: str) -> None:
        """Delete the secrets that are left of a stack, for good, but lay the API key aside."""
        client = self.session.client("secretsmanager")
        key = self._api_key(client, f"{stack}/{_API_KEY}")
        aside = aside_of(stack)
        if key and self._has_secret(aside):
            client.put_secret_value(SecretId=aside, SecretString=key)
        elif key:
            client.create_secret(Name=aside, SecretString=key)
        for name in self.kept_secrets(stack):
            client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def key_laid_aside(self, stack: str) -> str | None:
        """Return the API key that was laid aside, if one was."""
        return self._api_key(self.session.client("secretsmanager"), aside_of(stack))

    def forget_key_laid_aside(self, stack: str) -> None:
        """Delete it: it is in its new place."""
        self.session.client("secretsmanager").delete_secret(
            SecretId=aside_of(stack), ForceDeleteWithoutRecovery=True
        )

    def empty_what_goes(self, stack: str) -> list[str]:
        """Delete every object of the buckets that go with the stack: S3 deletes empty ones only.

        Those are the buckets of an ephemeral stack. What is to be kept is not touched: the stack's
        own template says which is which.

        Returns:
            The buckets' names.
        """
        if not self.has_stack(stack):
            return []
        going = list(self._buckets_that_go(stack))
        for name in going:
            self.session.resource("s3").Bucket(name).object_versions.delete()
        return going

    def _buckets_that_go(self, stack: str) -> Iterator[str]:
        client = self.session.client("cloudformation")
        body: Any = client.get_template(StackName=stack)["TemplateBody"]
        template = json.loads(body) if isinstance(body, str) else body
        pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
        for page in pages:
            for one in page["StackResourceSummaries"]:
                described = template["Resources"].get(one["LogicalResourceId"], {})
                is_bucket = one["ResourceType"] == "AWS::S3::Bucket"
                if is_bucket and described.get("DeletionPolicy") == "Delete":
                    yield one["PhysicalResourceId"]

    def _has_secret(self, name: str) -> bool:
        try:
            self.session.client("secretsmanager").describe_secret(SecretId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return False
            raise
        return True

    def _api_key(self, client: Any, name: str) -> str | None:  # noqa: ANN401 # boto3's own
        try:
            answer = client.get_secret_value(SecretId=name)
        except ClientError as error:
            known = {"ResourceNotFoundException", "InvalidRequestException"}  # gone, or going
            if error.response["Error"]["Code"] in known:
                return None
            raise
        key = str(answer["SecretString"])
        return None if key == _NOT_SET else key


def came_to_be(status: str | None) -> bool:
    """Say whether a stack that stands so, or is not there, has what its template names."""
    return status is not None and status not in _NEVER_CAME_TO_BE


def aside_of(stack: str) -> str:
    """Name the secret that an API key is laid aside in while its own is made anew."""
    return f"{stack}/{_API_KEY}-laid-aside"
