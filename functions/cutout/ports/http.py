"""HTTP and the API key, on which a provider's adapter is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A server's answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    """Sends single requests."""

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """Send one request; never repeat it.

        Raises:
            NotSentError: the request did not reach the server.
            ResponseLostError: the request may have reached the server; no whole answer came.
        """


class ApiKey(Protocol):
    """The API key, cached."""

    def text(self, *, is_fresh: bool = False) -> str | None:
        """The key; read again if `is_fresh`; None without one."""
