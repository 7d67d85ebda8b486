"""Requests the stand-in makes itself: it fetches inputs and delivers callbacks."""

import asyncio
import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

_THREADS = 16
_DOTS = re.compile(r"(?<=/)\.{1,2}(?=/|$)")
"""Segments that httpx would leave out of a path, but that an object's key may have."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer, or why there is no complete one: name, connection, certificate, time or body."""

    status: int | None = None
    content: bytes = b""
    failure: str = ""


class OutgoingHttp:
    """An HTTP client that ignores the environment's proxies."""

    # Threads, because httpx's asynchronous client hides why a connection was refused.
    def __init__(self, ca_bundle: Path | None) -> None:
        self._client = httpx.Client(
            verify=ssl.create_default_context(cafile=ca_bundle),
            trust_env=False,
            headers={"user-agent": "evolink-standin/1.0"},
            # A kept connection may be closed by the other side in the moment of its next use.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._threads = ThreadPoolExecutor(_THREADS, "evolink-outgoing")

    async def send(
        self, method: str, url: str, *, timeout_seconds: float, body: bytes | None = None
    ) -> Answer:
        """Fetch a URL, following redirects, or post JSON, following none."""
        path, mark, query = url.partition("?")
        request = partial(
            self._client.request,
            method,
            _DOTS.sub(lambda dots: "%2E" * len(dots[0]), path) + mark + query,
            content=body,
            headers={} if body is None else {"content-type": "application/json"},
            timeout=timeout_seconds,
            follow_redirects=body is None,
        )
        try:
            got = await asyncio.get_running_loop().run_in_executor(self._threads, request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Answer(failure=f"{type(error).__name__}: {error}")
        return Answer(status=got.status_code, content=got.content)

    def close(self) -> None:
        """Finish the running requests and start no others."""
        self._threads.shutdown(cancel_futures=True)
        self._client.close()
