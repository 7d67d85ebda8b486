"""Clients of AWS services, on AWS and in the local cloud."""

import threading
from collections import Counter
from functools import partial
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from cutout.cli.aws.endpoint_table import ModelsAndTable
from cutout.cli.aws.target import Target
from cutout.cli.local_cloud import local_session
from cutout.cli.output.problems import Problem
from cutout.wiring import aws_clients

_CONFIG = Config(
    user_agent="cutout",  # botocore's own takes long, and is made twice for each request
    # Without it, links are signed the old way in some regions, which S3 refuses in others.
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
)
# For `cutout doctor` and the like, which run while something is broken.
_IMPATIENT = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=20,
)
# botocore itself asks these for credentials: of a role, of `aws sso login`, of `aws login`.
_GIVING_CREDENTIALS = ("sts", "sso", "sso-oidc", "signin")
# Without S3's, which are most.
_EVENTS_OF = (
    *("cloudformation", "dynamodb", "eventbridge", "secrets-manager", "sqs"),
    *_GIVING_CREDENTIALS,
)


class TargetClients:
    """SDK clients for one target, each made on first use. Several threads may share it."""

    def __init__(self, target: Target, *, is_impatient: bool = False) -> None:
        self.requests: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._making = threading.Lock()
        self._made: dict[str, Any] = {}
        self._services = set(_GIVING_CREDENTIALS)
        config = _CONFIG.merge(_IMPATIENT) if is_impatient else _CONFIG
        self._connection: dict[str, Any] = {"config": config}
        local = target.variables
        self.is_local = local is not None
        if local is None:
            self._session = aws_clients.own_session(*_EVENTS_OF, profile=target.profile)
            # botocore itself reads AWS_DEFAULT_REGION and no AWS_REGION.
            if target.region:
                self._session.set_config_variable("region", target.region)
            self.where = f"AWS {self._session.get_config_variable('region')}"
        else:
            self._session = local_session(local)
            self._connection = {
                # A proxy cannot reach the loopback interface, whatever the environment says.
                "config": config.merge(Config(proxies={})),
                "endpoint_url": local["AWS_ENDPOINT_URL"],
                "verify": local["AWS_CA_BUNDLE"],
            }
            self.where = "the local cloud"
        # Both spare botocore half of the time in which it makes a client. To check the name of one
        # service, it searches the folders of all 440.
        loader = self._session.get_component("data_loader")
        self._models = ModelsAndTable(self._session)
        loader.file_loader = self._models
        loader.list_available_services = lambda _type: self._services

    def client(self, service: str) -> Any:  # noqa: ANN401 - the name decides on the type
        """Return the client of a service. It is made when it is first called."""
        return aws_clients.LateClient(partial(self._client, service))

    def _client(self, service: str) -> Any:  # noqa: ANN401 - as above
        # A session must not make clients in two threads at once.
        with self._making:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]

    def _make(self, service: str) -> Any:  # noqa: ANN401 - as above
        if service == "s3" and not self.is_local and service not in self._services:
            aws_clients.add_handlers(self._session, service)
        self._services.add(service)
        try:
            with self._models.making(service):
                client = self._session.create_client(service, **self._connection)
        except BotoCoreError:
            raise
        except (ValueError, TypeError, AttributeError) as error:
            # botocore reads the output of a credential_process here and does not check that it is
            # a JSON object.
            raise Problem(
                f"The AWS credentials of this machine cannot be read: {error}.",
                advice="A `credential_process` in ~/.aws/config must print a JSON object; "
                "`aws sts get-caller-identity` shows the same error.",
            ) from error
        client.meta.events.register("before-call", self._count)
        _share_context(client)
        return client

    def _count(self, model: Any, **_event: Any) -> None:  # noqa: ANN401 - the SDK's own
        with self._counting:
            self.requests[model.name] += 1


def _share_context(client: Any) -> None:  # noqa: ANN401 - as above
    """Let all clients use one TLS context. Each connection of botocore's would read it again."""
    endpoint, config = client._endpoint, client.meta.config  # noqa: SLF001 - no public way
    # botocore itself handles a bundle of authorities that the person's configuration names.
    if endpoint.http_session._verify is True and endpoint.host.startswith("https:"):  # noqa: SLF001
        endpoint.http_session = aws_clients.Connections(
            aws_clients.tls_context(),
            timeout=(config.connect_timeout, config.read_timeout),
            max_pool_connections=config.max_pool_connections,
            proxies=get_environ_proxies(endpoint.host),
        )
