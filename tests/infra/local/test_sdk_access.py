"""A person's AWS configuration does not affect the local cloud."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.target import Target
from infra.local.sdk_access import Credentials, Endpoint, client

_KEY = Credentials(access_key_id="AKIALOCAL", secret_access_key="secret")
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, variables: dict[str, str]
) -> None:
    """A broken file, a missing profile, endpoints that exist on AWS only."""
    (tmp_path / "config").write_text(config)
    authority = tmp_path / "ca.pem"
    authority.touch()
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {"AWS_CONFIG_FILE": str(tmp_path / "config"), **variables}.items():
        monkeypatch.setenv(name, value)
    endpoint = Endpoint(port=4711, authority=authority)
    local = {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_CA_BUNDLE": str(authority),
        "AWS_ACCESS_KEY_ID": _KEY.access_key_id,
        "AWS_SECRET_ACCESS_KEY": _KEY.secret_access_key,
        "AWS_REGION": "us-east-1",
    }
    of_commands = TargetClients(Target(stack="Cutout", variables=local)).client("s3")
    for s3 in (of_commands, client("s3", endpoint, _KEY)):
        link = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
        assert link.startswith("https://127.0.0.1:4711/b/k?")
        assert "AKIALOCAL" in link
