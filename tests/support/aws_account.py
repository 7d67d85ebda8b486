"""An AWS account for one test, with the clients that the functions get.

`cloud` is moto's, in this process. Tests that take the fixture `account` run on each emulator that
`tests/contract/conftest.py` names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import botocore.session
import pytest
from moto import mock_aws

from cutout.wiring.aws_clients import Clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION: Literal["eu-central-1"] = "eu-central-1"
ACCOUNT = "123456789012"


Account = Callable[[], AbstractContextManager[Clients]]
"""Opens an empty account; what it gives are the clients of the functions."""


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """An AWS, or a part of it, that listens on loopback.

    Attributes:
        variables: Environment variables that make an SDK use it.
        access_key_id: Of a user who may do everything.
        secret_access_key: The same.
        empty: Deletes everything in it.
    """

    variables: Mapping[str, str]
    access_key_id: str
    secret_access_key: str
    empty: Callable[[], None]

    @contextmanager
    def account(self) -> Iterator[Clients]:
        """Clients of the emptied account."""
        self.empty()
        with _environment(self.variables):
            yield Clients(self.variables, _session(self.access_key_id, self.secret_access_key))


@contextmanager
def cloud() -> Iterator[Clients]:
    """Clients of an empty account of moto's."""
    with _environment({}), mock_aws():
        yield Clients({}, _session("testing", "testing"))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set these variables; the shell's own endpoint and profile do not reach a test."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
            environment.delenv(name, raising=False)
        for name, value in variables.items():
            environment.setenv(name, value)
        yield


@contextmanager
def s3_with(account: Account, *buckets: str, versioned: Collection[str] = ()) -> Iterator[S3Client]:
    """S3 with these empty buckets; those of them in `versioned` keep versions."""
    with account() as clients:
        client = clients.s3
        for name in buckets:
            client.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        for name in versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        yield client


@cache
def _session(access_key_id: str, secret_access_key: str) -> botocore.session.Session:
    """One session for all: it caches the descriptions of the services, which are slow to read."""
    session = botocore.session.get_session()
    session.set_config_variable("region", REGION)
    session.set_credentials(access_key_id, secret_access_key)
    return session
