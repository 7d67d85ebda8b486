"""The embedded AWS, as the local cloud starts it."""

from __future__ import annotations

import io
import json
import ssl
import sys
import uuid
import zipfile
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.local_cloud_error import LocalCloudError
from infra.local.ministack.certificates import issue_certificates
from infra.local.ministack.ministack_process import bare_interpreter, is_healthy, wait_for_ministack
from infra.local.processes.background import ProcessRecord
from infra.local.sdk_access import Credentials, Endpoint, sdk_variables
from tests.infra.local.conftest import Cloud
from tests.support.local_cloud import MachineClock

CLOCK = MachineClock()
TRUST_LAMBDA = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
}
REPORTER = """
import importlib, os, sys

def handler(event, context):
    found = []
    for name in event["modules"]:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        found.append(name)
    return {"found": found, "version": sys.version_info[:2], "environment": dict(os.environ)}
"""


def _zip(source: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as asset:
        asset.writestr("index.py", source)
    return file.getvalue()


def _role(cloud: Cloud, *statements: dict[str, Any]) -> str:
    iam, name = cloud.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA))
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return str(role["Role"]["Arn"])


@pytest.fixture(scope="module")
def report(cloud: Cloud) -> dict[str, Any]:
    """The modules and the environment of a function."""
    functions = cloud.client("lambda")
    functions.create_function(
        FunctionName="reporter",
        Runtime="python3.13",
        Handler="index.handler",
        Role=_role(cloud, {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}),
        Code={"ZipFile": _zip(REPORTER)},
    )
    modules = ["json", "ssl", "rich", "click", "ministack", "boto3", "cutout", "infra", "pip"]
    answer = functions.invoke(FunctionName="reporter", Payload=json.dumps({"modules": modules}))
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    return told


def test_function_can_import_only_its_asset_and_the_standard_library(
    report: dict[str, Any],
) -> None:
    """A package missing from an asset is missing here too, not only on AWS."""
    assert report["found"] == ["json", "ssl"]
    assert tuple(report["version"]) == sys.version_info[:2]


def test_function_has_none_of_the_persons_environment(report: dict[str, Any]) -> None:
    """Neither paths of packages nor keys."""
    names = report["environment"].keys()
    assert {"PYTHONPATH", "VIRTUAL_ENV", "AWS_PROFILE", "EVOLINK_API_KEY"} & names == set()


def test_unknown_credentials_are_refused(cloud: Cloud) -> None:
    """Neither with an unknown key id nor with the operator's key id and another secret."""
    for key in ("AKIASTRANGER", cloud.operator.access_key_id):
        stranger = Credentials(access_key_id=key, secret_access_key="made up")
        with pytest.raises(ClientError, match=r"InvalidAccessKeyId|SignatureDoesNotMatch"):
            cloud.client("s3", stranger).list_buckets()


def test_operator_is_a_user_and_not_root(cloud: Cloud) -> None:
    """Bucket policies bind the operator as they bind an administrator on AWS."""
    assert cloud.client("sts").get_caller_identity()["Arn"].endswith(":user/cutout-operator")


def test_variables_are_all_that_an_sdk_needs(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 uses the local cloud, whatever else the shell has set."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of another key")
    for name, value in sdk_variables(cloud.endpoint, cloud.operator).items():
        monkeypatch.setenv(name, value)
    assert boto3.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_proxies_are_not_used_for_the_local_cloud(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests to loopback ignore the environment's proxies."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert is_healthy(cloud.endpoint)
    assert cloud.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_certificate_is_not_valid_for_another_authority(cloud: Cloud, tmp_path: Path) -> None:
    """Each cloud has its own authority."""
    other = issue_certificates(tmp_path)
    assert is_healthy(cloud.endpoint)
    assert not is_healthy(Endpoint(port=cloud.endpoint.port, authority=other.authority))


REBOUND = {"Host": "evil.example"}
POSTED = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
EMBEDDED = {"Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/_ministack/health", {}, 200),
        ("GET", "/_ministack/health", {"Host": "localhost"}, 200),
        ("GET", "/_ministack/health", REBOUND, 403),
        ("GET", "/_ministack/health", EMBEDDED, 403),
        ("POST", "/_ministack/health", POSTED, 403),
        ("POST", "/_ministack/reset", {}, 403),
        ("POST", "/_ministack/config", {}, 403),
        ("GET", "/_ministack/sqs/messages?QueueName=q", {}, 403),
    ],
)
def test_web_pages_and_unauthenticated_routes_are_refused(
    cloud: Cloud, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """MiniStack itself would answer any page, and these routes without credentials."""
    trust = ssl.create_default_context(cafile=str(cloud.certificates.authority))
    connection = HTTPSConnection("127.0.0.1", cloud.endpoint.port, context=trust, timeout=10)
    try:
        connection.request(method, path, b"{}" if method == "POST" else None, headers)
        assert connection.getresponse().status == status
    finally:
        connection.close()
    assert is_healthy(cloud.endpoint)


def test_only_this_user_can_read_the_servers_key(cloud: Cloud) -> None:
    """Like any private key."""
    assert cloud.certificates.key.stat().st_mode & 0o077 == 0


def test_ministack_listens_on_loopback_only_and_on_one_port(cloud: Cloud) -> None:
    """No port 443, no MQTT, no SFTP beside it."""
    inodes = {
        link.readlink().as_posix()[8:-1]
        for link in Path(f"/proc/{cloud.process.pid}/fd").iterdir()
        if link.readlink().as_posix().startswith("socket:")
    }
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table]
    listening = [line[1] for line in lines if line[3] == "0A" and line[9] in inodes]
    assert listening == [f"0100007F:{cloud.endpoint.port:04X}"]


def test_ended_server_is_not_waited_for(cloud: Cloud) -> None:
    """The error names its log."""
    gone = ProcessRecord(name="ministack", pid=2**22 + 1, born="never")
    nowhere = Endpoint(port=1, authority=cloud.certificates.authority)
    with pytest.raises(LocalCloudError, match="did not start") as caught:
        wait_for_ministack(gone, nowhere, CLOCK, log=Path("/its.log"))
    assert "/its.log" in caught.value.advice


def test_bare_interpreter_is_made_once(tmp_path: Path) -> None:
    """And again if its Python no longer exists."""
    interpreter = bare_interpreter(tmp_path)
    made_at = interpreter.lstat().st_mtime_ns
    assert bare_interpreter(tmp_path).lstat().st_mtime_ns == made_at
    interpreter.unlink()
    interpreter.symlink_to("/nowhere/python")
    assert bare_interpreter(tmp_path).exists()


def test_certificates_for_outside_servers_include_the_public_authorities(cloud: Cloud) -> None:
    """The real API's certificate is from a public authority."""
    everything = cloud.certificates.everything.read_text()
    assert everything.startswith(cloud.certificates.authority.read_text().strip())
    assert everything.count("BEGIN CERTIFICATE") > 50
