"""Clients of AWS: one session, one configuration."""

from __future__ import annotations

import gzip
import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore import handlers
from botocore.config import Config
from botocore.credentials import CredentialResolver, EnvProvider
from botocore.httpsession import URLLib3Session, get_cert_path
from botocore.loaders import JSONFileLoader

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

_EVENTS_OF = ("dynamodb", "eventbridge", "s3", "secrets-manager", "sqs", "sts")
_SECONDS = (5, 20)  # to connect, and to wait for each part of an answer
_CONFIG = Config(
    connect_timeout=_SECONDS[0],
    read_timeout=_SECONDS[1],
    retries={"mode": "standard", "max_attempts": 4},
    proxies={},  # none, also of the environment: looking takes a twentieth of making a client
)

# Where the build of an asset puts the authorities' certificates, a file each.
_AUTHORITIES = Path(__file__).parent.parent / "authorities"

http.client._MAXHEADERS = 1_200  # type: ignore[attr-defined] # noqa: SLF001 - no public setting
"""How many headers a response may have; Python's own limit is 100.

S3 responds with one header for each entry of an object's metadata, as many as fit into 2 KB. Above
Python's limit such a photo could never be read.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""


class ModelFiles(JSONFileLoader):
    """Reads models into plain dictionaries; botocore's ordered ones take three times as long."""

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - JSON
        """The content of a file whose name is given without its suffix; None if there is none."""
        for suffix, unpacked in ((".json", bytes), (".json.gz", gzip.decompress)):
            with suppress(FileNotFoundError):
                content = unpacked(Path(file_path + suffix).read_bytes())
                # Only documentation, which nothing uses, has other characters than ASCII.
                return json.loads(content.decode("latin-1"))
        return None


def own_session(*services: str, profile: str | None = None) -> botocore.session.Session:
    """A session of botocore: boto3 adds nothing that is used here, and loads slowly.

    It has the handlers of these services alone, not those of others and of documentation, 78 of
    127: each client would copy them.
    """
    session = botocore.session.Session(profile=profile, include_builtin_handlers=False)
    session.get_component("data_loader").file_loader = ModelFiles()
    add_handlers(session, "", *services)
    return session


def add_handlers(session: botocore.session.Session, *services: str) -> None:
    """Register botocore's handlers for these services; clients that are made later copy them.

    Services are named as in events, KIND.SERVICE.OPERATION. An event of all services names none.
    """
    events = session.get_component("event_emitter")
    registering = {
        handlers.REGISTER_FIRST: events.register_first,
        handlers.REGISTER_LAST: events.register_last,
    }
    for event, handler, *order in handlers.BUILTIN_HANDLERS:
        kind, service, *_ = f"{event}.".split(".")
        if kind != "docs" and service in services:
            register = registering[order[0]] if order else events.register
            register(event, handler)


def _session_of_function() -> botocore.session.Session:
    """A session that looks for credentials in the environment alone, where Lambda puts the role's.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    session = own_session(*_EVENTS_OF)
    session.register_component("credential_provider", CredentialResolver([EnvProvider()]))
    return session


@cache
def tls_context(authorities: Path = _AUTHORITIES) -> ssl.SSLContext:
    """The one TLS context.

    From the folder of an asset it reads a certificate when a server needs it. Elsewhere it reads
    a file with all of them now, which takes as long as importing httpx.
    """
    if authorities.is_dir():
        return ssl.create_default_context(capath=authorities)
    return ssl.create_default_context(cafile=get_cert_path(verify=True))


class Connections(URLLib3Session):
    """Connections with one TLS context.

    botocore's own read all certificates again for each connection, so that each request after a
    pause would take ten times as long: https://github.com/boto/botocore/issues/3171
    """

    def __init__(
        self,
        tls: ssl.SSLContext,
        timeout: tuple[float, float] = _SECONDS,
        **options: Any,  # noqa: ANN401 - botocore's own
    ) -> None:
        self._tls = tls
        super().__init__(timeout=timeout, **options)  # type: ignore[arg-type] # its stubs know one

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._tls

    def _setup_ssl_cert(self, *_: object) -> None:
        """The context has the certificates."""


class LateClient:
    """A client that is made when it is first called."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> object:
        return getattr(self._make(), name)


class Clients:
    """Clients on one session, each made once: when it is first called, or by `connect`.

    The environment names the endpoint of the local cloud, which needs path-style addresses.
    """

    def __init__(
        self, environment: Mapping[str, str], session: botocore.session.Session | None = None
    ) -> None:
        self._session: Any = session or _session_of_function()
        self._is_local = "AWS_ENDPOINT_URL" in environment
        # A session that is given, or the local cloud, may have authorities of its own.
        self._has_own = session is not None or self._session.get_config_variable("ca_bundle")
        self._connections = LateClient(cache(lambda: Connections(tls_context())))
        # A client takes tens of milliseconds to make, and keeps its connections.
        self._made = cache(self._make)
        self.dynamodb: DynamoDBClient = self._late("dynamodb")
        self.events: EventBridgeClient = self._late("events")
        self.s3: S3Client = self._late("s3")
        self.secrets: SecretsManagerClient = self._late("secretsmanager")
        self.sqs: SQSClient = self._late("sqs")
        self.sts: STSClient = self._late("sts")

    def connect(self, *services: str) -> None:
        """Make these clients now."""
        for service in services:
            self._made(service)

    def s3_as(self, credentials: CredentialsTypeDef) -> S3Client:
        """S3 with the credentials of an assumed role, for signing links."""
        client: S3Client = self._session.create_client(
            "s3",
            config=self._config("s3"),
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )
        return client

    def _late(self, service: str) -> Any:  # noqa: ANN401 - it becomes the service's own client
        return LateClient(partial(self._made, service))

    def _make(self, service: str) -> Any:  # noqa: ANN401 - each service's own client
        client = self._session.create_client(service, config=self._config(service))
        if not self._has_own:
            # There is no public way to give a client its connections.
            client._endpoint.http_session = self._connections  # noqa: SLF001
        return client

    def _config(self, service: str) -> Config:
        if service != "s3":
            return _CONFIG
        # Without s3v4, links are signed the old way in some regions; regional hosts matter too,
        # since the global one redirects for new buckets.
        addresses: Any = {"addressing_style": "path" if self._is_local else "virtual"}
        return _CONFIG.merge(Config(signature_version="s3v4", s3=addresses))
