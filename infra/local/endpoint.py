"""Where the local cloud listens, and as which account and region."""

from dataclasses import dataclass
from pathlib import Path

from infra.local.processes.loopback import LOOPBACK

ACCOUNT = "000000000000"
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The address of the local cloud, and the authority of its certificate."""

    port: int
    authority: Path

    @property
    def url(self) -> str:
        """The value of ``AWS_ENDPOINT_URL``."""
        # With an IP address, SDKs put bucket names into the path: not every machine can resolve
        # `bucket.localhost`.
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def callback_base_url(self) -> str:
        """The stack's setting of this name; the stack replaces ``{api_id}`` by its API's id."""
        return f"https://localhost:{self.port}/_aws/execute-api/{{api_id}}/$default"
