"""Requests to a server that we chose."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx

from cutout.adapters.http_httpx.client import body_of, client, errors_mapped
from cutout.domain.errors import NotSentError, ResponseLostError
from cutout.ports.http import Answer

_MAX_ANSWER_BYTES = 1024 * 1024


class HttpxHttp:
    """Sends single requests, each on a connection of its own; a test may replace the network.

    The time-out is for the whole exchange, from the name look-up to the last byte. Without
    `verify`, the authorities are all public ones.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 30,
        verify: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        # Lambda may freeze the function between two calls, and a paid call on a connection that
        # broke meanwhile would have an unknown outcome.
        self._client = client(timeout_seconds, verify, transport)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """Send one request, as the port says; never repeat it."""
        try:
            request = self._client.build_request(method, url, headers=headers, content=body)
        except (httpx.InvalidURL, ValueError) as exc:
            raise NotSentError(type(exc).__name__) from exc
        with errors_mapped(ResponseLostError("the answer redirects to what is not a URL")):
            response = self._client.send(request, stream=True)
            try:
                content = b"".join(body_of(response, _MAX_ANSWER_BYTES, ResponseLostError))
            finally:
                response.close()
        return Answer(status=response.status_code, headers=response.headers, body=content)
