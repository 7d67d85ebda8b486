"""A made-up AWS for one test, with the clients that the functions get."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import boto3
import pytest
from moto import mock_aws

from cutout.wiring.aws import Clients

REGION: Literal["eu-central-1"] = "eu-central-1"
ACCOUNT = "123456789012"


@contextmanager
def cloud() -> Iterator[Clients]:
    """Clients of an empty account. The shell's own endpoint and profile do not reach it."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
            environment.delenv(name, raising=False)
        yield Clients({}, _session())


@cache
def _session() -> boto3.Session:
    """One session for all: what it keeps is the descriptions of the services, slow to read."""
    return boto3.Session(
        region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
