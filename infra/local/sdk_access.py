"""How SDKs reach the local cloud: its address, credentials, and the variables that name both.

The access key in MiniStack's environment belongs to its root user, to whom no policy applies. Root
creates an operator with administrator rights, as in an AWS account. The local cloud does everything
else as the operator, to whom bucket policies apply.
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import Session

from infra.local.processes.loopback import LOOPBACK

ACCOUNT = "000000000000"
REGION = "us-east-1"
_OPERATOR = "cutout-operator"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The address of the local cloud, and the authority of its certificate."""

    port: int
    authority: Path

    @property
    def url(self) -> str:
        """The value of ``AWS_ENDPOINT_URL``."""
        # With an IP address, SDKs put bucket names into the path: not every machine can resolve
        # `bucket.localhost`.
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def callback_base_url(self) -> str:
        """The stack's setting of this name; the stack replaces ``{api_id}`` by its API's id."""
        return f"https://localhost:{self.port}/_aws/execute-api/{{api_id}}/$default"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """An access key of the local cloud."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def root_credentials() -> Credentials:
    """Generate an access key for the root user of one local cloud."""
    return Credentials(
        access_key_id=f"AKIA{secrets.token_hex(8).upper()}",
        secret_access_key=secrets.token_urlsafe(30),
    )


def make_operator(endpoint: Endpoint, root: Credentials) -> Credentials:
    """Create the user for people and the command line."""
    iam = client("iam", endpoint, root)
    iam.create_user(UserName=_OPERATOR)
    iam.attach_user_policy(UserName=_OPERATOR, PolicyArn=_ADMINISTRATOR)
    key = iam.create_access_key(UserName=_OPERATOR)["AccessKey"]
    return Credentials(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])


def client(service: str, endpoint: Endpoint, credentials: Credentials) -> Any:  # noqa: ANN401 - by name
    """Return the SDK's client of a service of the local cloud."""
    session = local_session(credentials, REGION)
    return session.create_client(
        service,
        endpoint_url=endpoint.url,
        verify=str(endpoint.authority),
        # Requests to loopback must not go through the environment's proxies.
        config=Config(proxies={}),
    )


def local_session(credentials: Credentials, region: str) -> Session:
    """Return a session that ignores the person's own AWS configuration."""
    # A missing profile, a broken `~/.aws/config`, and settings such as S3 acceleration, FIPS or
    # dual-stack endpoints would make it fail, so it reads neither files nor variables.
    nowhere = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in Session.SESSION_VARIABLES.items()
    }
    for name in ("config_file", "credentials_file"):
        nowhere[name] = (None, None, os.devnull, None)
    session = Session(session_vars=nowhere)
    session.set_credentials(credentials.access_key_id, credentials.secret_access_key)
    session.set_config_variable("region", region)
    return session


def sdk_variables(endpoint: Endpoint, credentials: Credentials) -> dict[str, str]:
    """Return the variables that make any AWS SDK, and the AWS CLI, use the local cloud."""
    authority = str(endpoint.authority)
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_CA_BUNDLE": authority,
        "NODE_EXTRA_CA_CERTS": authority,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        # A token in the shell belongs to another key.
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # SDKs refuse these settings together with an endpoint URL.
        "AWS_USE_FIPS_ENDPOINT": "false",
        "AWS_USE_DUALSTACK_ENDPOINT": "false",
    }
