"""A person's AWS configuration does not affect the local cloud."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CLIENTS = """
from cutout.cli.aws.clients import Clients
from cutout.cli.aws.target import Target
from infra.local.endpoint import Endpoint
from infra.local.credentials import Credentials, client
from pathlib import Path
import ssl
import sys

authority = Path(sys.argv[1])
key = Credentials(access_key_id="AKIALOCAL", secret_access_key="secret")
local = {
    "AWS_ENDPOINT_URL": "https://127.0.0.1:4711",
    "AWS_CA_BUNDLE": str(authority),
    "AWS_ACCESS_KEY_ID": "AKIALOCAL",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
}
endpoint = Endpoint(port=4711, authority=authority)
of_commands = Clients(Target(stack="Cutout", variables=local)).client("s3")
for s3 in (of_commands, client("s3", endpoint, key)):
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    print(link.partition("?")[0], "AKIALOCAL" in link)
"""

_ACCELERATED = "[default]\ns3 =\n  use_accelerate_endpoint = true\n  addressing_style = virtual\n"


@pytest.mark.parametrize(
    ("config", "variables"),
    [
        ("this is not a configuration\n", {}),
        (_ACCELERATED, {}),
        ("", {"AWS_PROFILE": "of-my-last-job"}),
        ("", {"AWS_DEFAULT_PROFILE": "of-my-last-job"}),
        ("", {"AWS_USE_FIPS_ENDPOINT": "true"}),
        ("", {"AWS_USE_DUALSTACK_ENDPOINT": "true"}),
        ("", {"AWS_ENDPOINT_URL_S3": "https://s3.example"}),
        ("", {"AWS_CA_BUNDLE": "/nowhere.pem", "AWS_RETRY_MODE": "nonsense"}),
    ],
)
def test_commands_reach_the_local_cloud_whatever_the_aws_configuration_is(
    tmp_path: Path, config: str, variables: dict[str, str]
) -> None:
    """A broken file, a missing profile, endpoints that exist on AWS only."""
    (tmp_path / "config").write_text(config)
    authority = tmp_path / "ca.pem"
    authority.touch()
    environment = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        **variables,
    }
    told = subprocess.run(  # noqa: S603 - a program that is written out above
        [sys.executable, "-P", "-c", _CLIENTS, str(authority)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (told.stdout, told.stderr) == ("https://127.0.0.1:4711/b/k True\n" * 2, "")
