"""A made-up AWS for one test, with the clients that the functions get."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Literal

import boto3
import pytest
from moto import mock_aws

from cutout.wiring.aws import Clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION: Literal["eu-central-1"] = "eu-central-1"
ACCOUNT = "123456789012"


@contextmanager
def cloud() -> Iterator[Clients]:
    """Clients of an empty account. The shell's own endpoint and profile do not reach it."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
            environment.delenv(name, raising=False)
        yield Clients({}, _session())


@contextmanager
def s3_with(*buckets: str, versioned: Collection[str] = ()) -> Iterator[S3Client]:
    """S3 with these empty buckets; those of them in `versioned` keep versions."""
    with cloud() as clients:
        client = clients.s3()
        for name in buckets:
            client.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        for name in versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        yield client


@cache
def _session() -> boto3.Session:
    """One session for all: what it keeps is the descriptions of the services, slow to read."""
    return boto3.Session(
        region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
