"""`make deploy` and `make destroy` as a person types them, on the local cloud."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.target import Target
from infra.deploy.deployer_policy import policy
from infra.local.start import CloudRequest, local_settings
from tests.e2e.deployed import Deployed

_TIMEOUT_SECONDS = 300
_NOBODYS = ("AWS_", "CDK_", "GIT_", "MAKE", "MFLAGS", "EVOLINK_API_KEY")
"""Begins the variables that a command must not inherit from the shell that runs the tests."""
_CHECKED_ELSEWHERE = {"CDK_VALIDATION": "false"}
"""The construct library's check of a template takes longer than the rest of a synthesis.

`test_other_ways_to_deploy.py` has it made once.
"""
_REACHED_BY = ("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command's exit status and output."""

    status: int
    said: str


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Sources that are deployed by their own Makefile.

    Attributes:
        folder: Where they are.
        who: The variables by which AWS knows the person.
        options: What else `make` is called with.
        variables: What else its environment holds.
    """

    folder: Path
    who: Mapping[str, str]
    options: tuple[str, ...] = ()
    variables: Mapping[str, str] | None = None

    def run(self, target: str, *arguments: str, key: str = "") -> Ran:
        """Make `deploy` or `destroy`, with `EVOLINK_API_KEY` if a key is given."""
        kept = {name: it for name, it in os.environ.items() if not name.startswith(_NOBODYS)}
        told = shlex.join(arguments).replace("$", "$$")
        done = subprocess.run(  # noqa: S603 - no shell but make's own
            ["make", *self.options, target, f"ARGS={told}"],  # noqa: S607 - whichever make
            cwd=self.folder,
            env={
                **kept,
                **_CHECKED_ELSEWHERE,
                **self.who,
                **(self.variables or {}),
                **({"EVOLINK_API_KEY": key} if key else {}),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
        return Ran(status=done.returncode, said=done.stdout + done.stderr)

    def must(self, target: str, *arguments: str, key: str = "") -> None:
        """Make it; fail with its output if it fails."""
        ran = self.run(target, *arguments, key=key)
        if ran.status:
            pytest.fail(f"make {target} {shlex.join(arguments)}: {ran.said[-4000:]}")


def by_key(deployed: Deployed) -> dict[str, str]:
    """Return the variables of a person who has an access key in the environment."""
    return dict(deployed.cloud.variables)


def by_profile(deployed: Deployed, folder: Path, profile: str) -> dict[str, str]:
    """Return the variables of a person who has only a profile, in another region."""
    variables = deployed.cloud.variables
    configuration = folder / "config"
    configuration.write_text(
        f"[profile {profile}]\n"
        f"region = {variables['AWS_REGION']}\n"
        f"aws_access_key_id = {variables['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {variables['AWS_SECRET_ACCESS_KEY']}\n"
    )
    return {
        "AWS_CONFIG_FILE": str(configuration),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **{name: variables[name] for name in _REACHED_BY},
    }


def let_deploy(
    deployed: Deployed, who: Mapping[str, str], *, role: str, stack: str, region: str
) -> None:
    """Make a role that may deploy a stack and nothing else, and add a profile of its name.

    The profile assumes the role with the credentials of the only profile that is there.
    """
    configuration = Path(who["AWS_CONFIG_FILE"])
    source = configuration.read_text().partition("[profile ")[2].partition("]")[0]
    operator = deployed.client("sts").get_caller_identity()
    iam = deployed.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": operator["Arn"]}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(
        RoleName=role,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    document = policy(account=operator["Account"], region=region, stack=stack)
    iam.put_role_policy(RoleName=role, PolicyName="deploy", PolicyDocument=json.dumps(document))
    with configuration.open("a") as lines:
        lines.write(f"[profile {role}]\nrole_arn = {arn}\nsource_profile = {source}\n")


def present(deployed: Deployed, who: Mapping[str, str]) -> Checkout:
    """Return the sources that are tested; what runs the tests is installed, and left as it is."""
    return Checkout(folder=deployed.place.source, who=who, options=("--old-file=install",))


def earlier(deployed: Deployed, who: Mapping[str, str], folder: Path) -> Checkout:
    """Return sources that run with the packages, Node and CDK that are installed here.

    What was built of the same locks is built once, and a library is compiled once.
    """
    project = deployed.place.source
    modules = Path("infra", "cdk", "node_modules")
    (folder / modules).symlink_to(project / modules)
    (folder / ".cutout").mkdir()
    for made in ("assets", "bytecode"):
        (folder / ".cutout" / made).symlink_to(project / ".cutout" / made)
    return Checkout(
        folder=folder,
        who=who,
        options=("--old-file=install", "--old-file=setup", f"BIN={Path(sys.executable).parent}"),
        variables={"PYTHONPATH": os.pathsep.join([str(folder), str(folder / "functions")])},
    )


def on_the_local_cloud(deployed: Deployed, **settings: str) -> list[str]:
    """Return the arguments of a stack that uses the stand-in and is deleted with the cloud."""
    cloud = deployed.cloud
    told = local_settings(cloud.endpoint, cloud.api, CloudRequest(settings=settings))
    return [part for name, value in told.items() for part in ("-c", f"{name}={value}")]


def stack_of(deployed: Deployed, stack: str, region: str | None = None) -> Deployed:
    """Return the present state of another stack in the same cloud."""
    variables = dict(deployed.cloud.variables)
    if region:
        variables |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    connect = cache(TargetClients(Target(stack=stack, variables=variables)).client)
    told = connect("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in told}
    cloud = replace(deployed.cloud, outputs=outputs, variables=variables)
    return replace(deployed, stack=stack, connect=connect, cloud=cloud, own_sweeps=[])


def exists(call: Any, **named: str) -> bool:
    """Return whether the resource of a call exists."""
    try:
        call(**named)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"404", "ResourceNotFoundException", "ValidationError", "NoSuchBucket"}:
            return False
        raise
    return True
