"""Clients of one session, each with what botocore does for its service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import SSOTokenLoadError

from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.target import Target
from tests.support.scripted_server import answer, serving

_ROLE = """
[profile shop]
role_arn = arn:aws:iam::123456789012:role/shop
source_profile = person
[profile person]
aws_access_key_id = made-up
aws_secret_access_key = made-up
"""
_ASSUMED = b"""<AssumeRoleResponse><AssumeRoleResult><Credentials>
<AccessKeyId>OFTHEROLE</AccessKeyId><SecretAccessKey>made-up</SecretAccessKey>
<SessionToken>made-up</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""
_SSO = """
[profile shop]
sso_start_url = https://nobody.example.com/start
sso_region = eu-central-1
sso_account_id = 123456789012
sso_role_name = shop
"""
_SSO_SESSION = """
[profile shop]
sso_session = nobody
sso_account_id = 123456789012
sso_role_name = shop
[sso-session nobody]
sso_region = eu-central-1
sso_start_url = https://nobody.example.com/start
"""


class _Body:
    """An answer without content."""

    @staticmethod
    def stream(**_: object) -> list[bytes]:
        return [b"<CopyObjectResult/>"]


def test_what_botocore_does_for_s3_is_there_when_its_client_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It writes a source of a copy into a header, and asks a bucket at a host of its own.

    CloudTrail shows which requests were a command's.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    clients = TargetClients(Target(stack="Cutout", region="eu-central-1"))
    assert clients.client("sqs").meta.region_name == "eu-central-1"
    s3, sent = clients.client("s3"), list[Any]()

    def send(request: Any, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), _Body())

    s3.meta.events.register("before-send.s3", send)
    s3.copy_object(Bucket="uploads", Key="b.jpg", CopySource={"Bucket": "old", "Key": "a b.jpg"})
    [request] = sent
    assert request.url == "https://uploads.s3.eu-central-1.amazonaws.com/b.jpg"
    assert request.headers["x-amz-copy-source"] == b"old/a%20b.jpg"
    # Powertools, which other tests import, adds itself.
    assert request.headers["user-agent"].split()[0] == b"cutout"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The AWS configuration of a person without other credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path / "config"


def test_requests_of_a_role_are_signed_with_what_sts_gives(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile names the role and the credentials that may assume it."""
    config.write_text(_ROLE)
    with serving(answer(200, _ASSUMED)) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url(""))
        clients = TargetClients(Target(stack="Cutout", profile="shop", region="eu-central-1"))
        link = clients.client("s3").generate_presigned_url("list_buckets")
    assert "OFTHEROLE" in link
    assert b"Action=AssumeRole" in sts.requests[0]


@pytest.mark.parametrize("profile", [_SSO, _SSO_SESSION])
def test_a_login_that_was_not_made_is_named(config: Path, profile: str) -> None:
    """Of both kinds of profile that `aws configure sso` has written."""
    config.write_text(profile)
    clients = TargetClients(Target(stack="Cutout", profile="shop", region="eu-central-1"))
    with pytest.raises(SSOTokenLoadError, match="nobody"):
        clients.client("cloudformation").describe_stacks()
