"""Where the local cloud listens, and as which account and region."""

from dataclasses import dataclass
from pathlib import Path

from infra.local.processes.loopback import LOOPBACK

ACCOUNT = "000000000000"
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where the local cloud is, and what to trust there.

    The address is an IP address, so that SDKs put bucket names into the path: the machine may not
    be able to look up ``bucket.localhost``.
    """

    port: int
    authority: Path

    @property
    def url(self) -> str:
        """What ``AWS_ENDPOINT_URL`` is set to."""
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def callback_base_url(self) -> str:
        """The setting of this name; the stack knows the API's id and puts it in."""
        return f"https://localhost:{self.port}/_aws/execute-api/{{api_id}}/$default"
