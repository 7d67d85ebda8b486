"""The emulators besides moto, started on loopback with TLS."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.ministack.certificates import Certificates, issue_certificates
from infra.local.processes.background import is_alive, spawn, stop
from infra.local.processes.loopback import LOOPBACK, choose_ports
from infra.local.processes.waiting import wait_until
from infra.local.sdk_access import Credentials
from tests.support.aws_account import ACCOUNT, REGION, Emulator
from tests.support.local_cloud import MachineClock
from tests.support.running_ministack import running_ministack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_USER = Credentials(access_key_id=ACCOUNT, secret_access_key="testing")
"""MiniStack takes an access key of 12 digits for the number of the account."""
_SEAWEEDFS_PORTS = ("master", "volume", "filer", "s3")
_START_TIMEOUT_SECONDS = 60

Start = Callable[[Path], AbstractContextManager[Emulator]]
"""Starts an emulator that keeps its files in a folder."""


@contextmanager
def ministack(folder: Path) -> Iterator[Emulator]:
    """MiniStack as it was published."""
    interpreter, server = Path("/no-functions-run-here"), "tests.support.ministack_unchanged"
    with running_ministack(folder, root=_USER, interpreter=interpreter, server=server) as running:
        endpoint = running.endpoint
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(
                context=ssl.create_default_context(cafile=str(endpoint.authority))
            ),
        )

        def reset() -> None:
            opener.open(f"{endpoint.url}/_ministack/reset", data=b"").close()

        yield _emulator(endpoint.port, running.certificates, reset)


@contextmanager
def seaweedfs(program: Path, folder: Path) -> Iterator[Emulator]:
    """SeaweedFS, which knows S3 alone. `program` is its `weed`."""
    clock = MachineClock()
    certificates = issue_certificates(folder / "tls")
    ports = choose_ports(
        (*_SEAWEEDFS_PORTS, *(f"{name}.grpc" for name in _SEAWEEDFS_PORTS)), folder / "ports.json"
    )
    log = folder / "seaweedfs.log"
    process = spawn(
        "seaweedfs",
        _seaweedfs_command(program, folder, certificates, ports),
        environment={"HOME": str(folder), "TMPDIR": str(folder), "PATH": "/usr/bin:/bin"},
        log=log,
    )
    s3 = _s3_client(ports["s3"], certificates)

    def is_ready() -> bool:
        return not is_alive(process) or _makes_objects(s3)

    try:
        wait_until(is_ready, clock, timeout_seconds=_START_TIMEOUT_SECONDS)
        if not is_alive(process):
            raise RuntimeError(log.read_text())
        yield _emulator(ports["s3"], certificates, lambda: _delete_buckets(s3))
    finally:
        stop(process, clock)


def _emulator(port: int, certificates: Certificates, empty: Callable[[], None]) -> Emulator:
    return Emulator(
        variables={
            "AWS_ENDPOINT_URL": f"https://{LOOPBACK}:{port}",
            "AWS_CA_BUNDLE": str(certificates.authority),
        },
        access_key_id=_USER.access_key_id,
        secret_access_key=_USER.secret_access_key,
        empty=empty,
    )


def _seaweedfs_command(
    program: Path, folder: Path, certificates: Certificates, ports: dict[str, int]
) -> list[str]:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": _USER.access_key_id, "secretKey": _USER.secret_access_key}],
        "actions": ["Admin"],
    }
    users = folder / "users.json"
    users.write_text(json.dumps({"identities": [identity]}))
    addresses = [
        f"-{name}.port{kind}={ports[name + kind]}"
        for name in _SEAWEEDFS_PORTS
        for kind in ("", ".grpc")
    ]
    return [
        str(program),
        "server",
        "-filer",
        "-s3",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        f"-dir={folder}",
        *addresses,
        "-master.volumeSizeLimitMB=64",
        "-volume.max=200",
        f"-s3.config={users}",
        f"-s3.cert.file={certificates.chain}",
        f"-s3.key.file={certificates.key}",
        f"-s3.localSocket={folder / 's3.sock'}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]


def _s3_client(port: int, certificates: Certificates) -> S3Client:
    return boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=f"https://{LOOPBACK}:{port}",
        verify=str(certificates.authority),
        aws_access_key_id=_USER.access_key_id,
        aws_secret_access_key=_USER.secret_access_key,
        config=Config(proxies={}, s3={"addressing_style": "path"}),
    )


def _makes_objects(s3: S3Client) -> bool:
    try:
        s3.create_bucket(Bucket="ready", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="ready", Key="ready", Body=b"ready")
    except (ClientError, BotoCoreError):
        return False
    return True


def _delete_buckets(s3: S3Client) -> None:
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
        s3.delete_bucket(Bucket=name)
