"""Requests to the callback URL, authentic and forged."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cutout.domain.callback_token import CallbackAddress, sign

_TIMEOUT_SECONDS = 60
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Door:
    """The callback address.

    Attributes:
        url: The stack's output `CallbackUrl`.
        authority: PEM file of who vouches for it.
        signing_key: What authentic tokens are signed with.
    """

    url: str
    authority: str
    signing_key: str

    def token(
        self, job_id: str, attempt: int, *, key: str | None = None, life: timedelta = _HOUR
    ) -> str:
        """Return the token of an attempt, signed with the real key or with another."""
        address = CallbackAddress(job_id=job_id, attempt=attempt)
        signing_key = (self.signing_key if key is None else key).encode()
        return sign(address, signing_key, datetime.now(UTC) + life)

    def knock(self, path: str, *, method: str = "POST", body: bytes = b"{}") -> int:
        """Send a request to a path under the address, and return the answer's status."""
        parts = urlsplit(self.url)
        trust = ssl.create_default_context(cafile=self.authority)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS, context=trust
        )
        try:
            connection.request(
                method, parts.path + path, body, {"content-type": "application/json"}
            )
            return connection.getresponse().status
        finally:
            connection.close()
