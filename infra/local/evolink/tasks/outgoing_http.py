"""Requests the stand-in makes itself: it fetches inputs and delivers callbacks."""

import asyncio
import http.client
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    UnknownHandler,
)

USER_AGENT = "evolink-standin/1.0"
_THREADS = 16
_LARGEST_BODY = 100 * 1024 * 1024


class UnreachableError(Exception):
    """No complete answer: name lookup, connection, certificate, time-out or a broken body."""


@dataclass(frozen=True, kw_only=True)
class OutgoingAnswer:
    """The answer of another server."""

    status: int
    body: bytes


class OutgoingHttp:
    """An HTTP client that runs urllib in its own threads.

    It ignores the environment's proxies and opens http and https URLs only.
    """

    def __init__(self, ca_bundle: Path | None) -> None:
        context = ssl.create_default_context(cafile=None if ca_bundle is None else str(ca_bundle))
        handlers = (HTTPHandler(), HTTPSHandler(context=context))
        self._without_redirects = _opener(*handlers)
        self._with_redirects = _opener(*handlers, HTTPRedirectHandler())
        self._threads = ThreadPoolExecutor(_THREADS, "evolink-outgoing")

    async def get(self, url: str, *, timeout_seconds: float) -> OutgoingAnswer:
        """Fetch a URL, following redirects.

        Raises:
            UnreachableError: There was no complete answer.
        """
        return await self._run(self._with_redirects, Request(url), timeout_seconds)  # noqa: S310 - http and https only

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float
    ) -> OutgoingAnswer:
        """Post a body; redirects are not followed.

        Raises:
            UnreachableError: There was no complete answer.
        """
        request = Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310 - as above
        return await self._run(self._without_redirects, request, timeout_seconds)

    def close(self) -> None:
        """Finish the running requests and start no others."""
        self._threads.shutdown(cancel_futures=True)

    async def _run(
        self, opener: OpenerDirector, request: Request, timeout_seconds: float
    ) -> OutgoingAnswer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _open, opener, request, timeout_seconds)


def _opener(
    *handlers: HTTPHandler | HTTPSHandler | HTTPRedirectHandler,
) -> OpenerDirector:
    opener = OpenerDirector()
    opener.addheaders = [("User-Agent", USER_AGENT)]
    for handler in (*handlers, HTTPErrorProcessor(), HTTPDefaultErrorHandler(), UnknownHandler()):
        opener.add_handler(handler)
    return opener


def _open(opener: OpenerDirector, request: Request, timeout_seconds: float) -> OutgoingAnswer:
    try:
        with opener.open(request, timeout=timeout_seconds) as response:
            # One byte more than allowed shows that there is more.
            return OutgoingAnswer(status=response.status, body=response.read(_LARGEST_BODY + 1))
    except HTTPError as error:
        with error:
            return OutgoingAnswer(status=error.code, body=b"")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(f"{type(error).__name__}: {error}") from error
