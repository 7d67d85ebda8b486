"""The roles of the deployed stack, assumed to test their permissions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.deployed import Deployed

Connect = Callable[[str], Any]
"""Makes a client of a service."""

_REFUSALS = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden"})
_GUEST = "e2e-guest"
_PATH_STYLE = Config(signature_version="s3v4", s3={"addressing_style": "path"})


@contextmanager
def taken_on(deployed: Deployed, name: str) -> Iterator[Connect]:
    """Work as a role of the stack, which trusts the operator for so long."""
    role = deployed.resource("AWS::IAM::Role", name)
    iam = deployed.client("iam")
    described = iam.get_role(RoleName=role)["Role"]
    trust = described["AssumeRolePolicyDocument"]
    operator = deployed.client("sts").get_caller_identity()["Arn"]
    guest = {"Effect": "Allow", "Principal": {"AWS": operator}, "Action": "sts:AssumeRole"}
    opened = trust | {"Statement": [*trust["Statement"], guest]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(opened))
    try:
        yield _as_role(deployed, described["Arn"])
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))


@contextmanager
def guest(
    deployed: Deployed, actions: Sequence[str], resources: Sequence[str]
) -> Iterator[Connect]:
    """Work in a role with only these actions on these resources."""
    iam = deployed.client("iam")
    operator = deployed.client("sts").get_caller_identity()["Arn"]
    trust = {"Effect": "Allow", "Principal": {"AWS": operator}, "Action": "sts:AssumeRole"}
    granted = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    role = iam.create_role(RoleName=_GUEST, AssumeRolePolicyDocument=_policy(trust))["Role"]
    try:
        iam.put_role_policy(RoleName=_GUEST, PolicyName="granted", PolicyDocument=_policy(granted))
        yield _as_role(deployed, role["Arn"])
    finally:
        iam.delete_role_policy(RoleName=_GUEST, PolicyName="granted")
        iam.delete_role(RoleName=_GUEST)


def _policy(statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def is_denied(call: Callable[[], object]) -> bool:
    """Return whether a call is denied; any other failure fails the test."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] in _REFUSALS:
            return True
        raise
    return False


def _as_role(deployed: Deployed, arn: str) -> Connect:
    session_of_role = deployed.client("sts").assume_role(RoleArn=arn, RoleSessionName="e2e")
    credentials = session_of_role["Credentials"]
    variables = deployed.cloud.variables
    session: Any = boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=variables["AWS_REGION"],
    )

    def connect(service: str) -> Any:
        return session.client(
            service,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            verify=variables["AWS_CA_BUNDLE"],
            config=_PATH_STYLE,
        )

    return connect
