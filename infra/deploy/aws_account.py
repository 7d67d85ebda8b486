"""The account that a deployment goes to: what earlier deployments left there."""

import json
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from cutout.domain.provider_outcomes import API_KEY_NOT_SET

from ..settings.settings import API_KEY, SIGNING_KEY

SECRETS = (API_KEY, SIGNING_KEY)
BUCKET: Final = "AWS::S3::Bucket"
# Statuses of a stack whose first deployment failed: the CDK deletes it and creates it again.
_NOT_CREATED = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
# Seconds between two checks of a secret that is being deleted.
_DELETION_WAITS: Final = (1, 2, 4, 8, 15, 30, 60)
_GONE: Final = "ResourceNotFoundException"


class DeployError(Exception):
    """The deployment cannot continue; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class StackResource:
    """A resource: CloudFormation's type, its physical id, and whether it outlives the stack."""

    kind: str
    name: str
    is_kept: bool


@dataclass(frozen=True)
class Account:
    """An account in a region, with a person's credentials."""

    session: boto3.Session
    sleep: Callable[[float], None] = time.sleep

    def _status(self, stack: str) -> str | None:
        """Return the stack's status; None without a stack."""
        describe = self.session.client("cloudformation").describe_stacks
        # CloudFormation answers "does not exist" as a validation error, without a code of its own.
        answer = unless({"ValidationError"}, describe, StackName=stack)
        return answer and str(answer["Stacks"][0]["StackStatus"])

    def leftover_secrets(self, stack: str) -> list[str]:
        """Return the names of secrets that an earlier or failed stack of that name left."""
        # CloudFormation cannot create them again, even while they are scheduled for deletion.
        if is_created(self._status(stack)):
            return []
        names = [f"{stack}/{name}" for name in SECRETS]
        return [name for name in names if self._has_secret(name)]

    def delete_secrets(self, stack: str) -> None:
        """Delete the secrets that a stack left, at once, and save the API key in another secret."""
        client = self.session.client("secretsmanager")
        # Saved first: wherever this process may end, the key is in one of the two secrets.
        key = self._api_key(client, f"{stack}/{API_KEY}")
        aside = saved_key_name(stack)
        if key and self._has_secret(aside):
            client.put_secret_value(SecretId=aside, SecretString=key)
        elif key:
            client.create_secret(Name=aside, SecretString=key)
        for name in self.leftover_secrets(stack):
            client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            self._wait_until_gone(name)

    def _wait_until_gone(self, name: str) -> None:
        """Wait at most two minutes until a secret is deleted and its name is free."""
        # Deletion is asynchronous, even without a recovery window.
        # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
        for seconds in _DELETION_WAITS:
            if not self._has_secret(name):
                return
            self.sleep(seconds)
        if self._has_secret(name):
            raise DeployError(f"Secrets Manager is still deleting {name}: try again later")

    def delete_empty_table(self, stack: str) -> str | None:
        """Delete the protected jobs table that a failed first deployment left, if it is empty.

        Return its name; None if nothing was deleted.
        """
        if is_created(self._status(stack)):
            return None
        client = self.session.client("dynamodb")
        for name in self._names(stack, "AWS::DynamoDB::Table"):
            if _is_empty(client, name):
                # DynamoDB deletes no protected table, and CloudFormation cannot lift the
                # protection of one that it has given up.
                client.update_table(TableName=name, DeletionProtectionEnabled=False)
                client.delete_table(TableName=name)
                return name
        return None

    def saved_api_key(self, stack: str) -> str | None:
        """Return the API key that `delete_secrets` saved, if it did."""
        return self._api_key(self.session.client("secretsmanager"), saved_key_name(stack))

    def delete_saved_api_key(self, stack: str) -> None:
        """Delete the saved API key, which is in the new secret now."""
        self.session.client("secretsmanager").delete_secret(
            SecretId=saved_key_name(stack), ForceDeleteWithoutRecovery=True
        )

    def functions(self, stack: str) -> list[str]:
        """Return the names of a stack's Lambda functions; none without the stack."""
        return self._names(stack, "AWS::Lambda::Function")

    def empty_deleted_buckets(self, stack: str) -> list[str]:
        """Empty the buckets that are deleted with the stack; return their names."""
        # S3 deletes empty buckets only. The stack's template says which buckets are deleted: those
        # of an ephemeral stack.
        going = [
            one.name for one in self.resources(stack) if one.kind == BUCKET and not one.is_kept
        ]
        for name in going:
            self.session.resource("s3").Bucket(name).object_versions.delete()
        return going

    def resources(self, stack: str) -> list[StackResource]:
        """Return the resources of a stack; none without the stack."""
        if not (found := list(self._existing(stack))):
            return []
        client = self.session.client("cloudformation")
        body: Any = client.get_template(StackName=stack)["TemplateBody"]
        # boto3 parses a template in JSON, and returns one in YAML as text.
        template = json.loads(body) if isinstance(body, str) else body
        kept = {
            name
            for name, described in template["Resources"].items()
            if described.get("DeletionPolicy", "").startswith("Retain")
        }
        return [
            StackResource(
                kind=one["ResourceType"],
                name=one["PhysicalResourceId"],
                is_kept=one["LogicalResourceId"] in kept,
            )
            for one in found
        ]

    def _names(self, stack: str, kind: str) -> list[str]:
        return [
            one["PhysicalResourceId"]
            for one in self._existing(stack)
            if one["ResourceType"] == kind
        ]

    def _existing(self, stack: str) -> Iterator[Any]:
        """Yield what CloudFormation says of each resource that exists; nothing without a stack."""
        if self._status(stack) is None:
            return
        client = self.session.client("cloudformation")
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
            for one in page["StackResourceSummaries"]:
                # After the roll-back of a first deployment, resources that are gone are still
                # listed.
                if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE":
                    yield one

    def _has_secret(self, name: str) -> bool:
        describe = self.session.client("secretsmanager").describe_secret
        return unless({_GONE}, describe, SecretId=name) is not None

    def _api_key(self, client: Any, name: str) -> str | None:  # noqa: ANN401 # boto3's own
        # A secret that is being deleted makes the request invalid.
        answer = unless({_GONE, "InvalidRequestException"}, client.get_secret_value, SecretId=name)
        key = answer and str(answer["SecretString"])
        return None if key == API_KEY_NOT_SET else key


def _is_empty(client: Any, table: str) -> bool:  # noqa: ANN401 # boto3's own
    found = unless({_GONE}, client.scan, TableName=table, Limit=1)
    return found is not None and not found["Count"]


def unless(codes: Container[str], call: Callable[..., Any], **arguments: object) -> Any:  # noqa: ANN401 # boto3's own
    """Return a call's answer; None if AWS answers an error with one of these codes."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise


def is_created(status: str | None) -> bool:
    """Return whether a stack with this status, None without one, has its resources."""
    return status is not None and status not in _NOT_CREATED


def saved_key_name(stack: str) -> str:
    """Return the name of the secret that holds the API key while its own is replaced."""
    return f"{stack}/{API_KEY}-laid-aside"
