"""Clients of AWS services, of the real one and of the local cloud."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from cutout.cli.output.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cutout.cli.options.target import Target

_CONFIG = Config(
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
)
_IMPATIENT = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=20,
)


def _local_session(local: Mapping[str, str]) -> boto3.Session:
    from infra.local.credentials import Credentials, local_session  # noqa: PLC0415 - not for AWS

    credentials = Credentials(
        access_key_id=local["AWS_ACCESS_KEY_ID"],
        secret_access_key=local["AWS_SECRET_ACCESS_KEY"],
    )
    return local_session(credentials, local["AWS_REGION"])


class Clients:
    """Makes SDK clients for one target.

    Args:
        target: where it is.
        is_impatient: whether a service that does not answer is given up soon.
    """

    def __init__(self, target: Target, *, is_impatient: bool = False) -> None:
        local = target.variables
        self.requests: Counter[str] = Counter()
        self._counting = Lock()
        config = _CONFIG.merge(_IMPATIENT) if is_impatient else _CONFIG
        self._connection: dict[str, Any] = {"config": config}
        if local is None:
            self._session = boto3.Session(profile_name=target.profile, region_name=target.region)
            self.where = f"AWS {self._session.region_name}"
            return
        self._session = _local_session(local)
        self._connection = {
            # Loopback is nothing for a proxy, whatever the environment says.
            "config": config.merge(Config(proxies={})),
            "endpoint_url": local["AWS_ENDPOINT_URL"],
            "verify": local["AWS_CA_BUNDLE"],
        }
        self.where = "the local cloud"

    def client(self, service: str) -> Any:  # noqa: ANN401 - the name decides on the type
        """Return the client of a service."""
        try:
            client = self._session.client(service, **self._connection)  # type: ignore[call-overload]
        except BotoCoreError:
            raise
        except (ValueError, TypeError, AttributeError) as error:
            # What a credential_process prints is read here, and botocore takes it for an object
            # in JSON without a look.
            raise Problem(
                f"The AWS credentials of this machine cannot be read: {error}.",
                advice="A `credential_process` in ~/.aws/config has to print a JSON object; "
                "`aws sts get-caller-identity` shows the same.",
            ) from error
        client.meta.events.register("before-call", self._count)
        return client

    def _count(self, model: Any, **_told: Any) -> None:  # noqa: ANN401 - the SDK's own
        with self._counting:
            self.requests[model.name] += 1
