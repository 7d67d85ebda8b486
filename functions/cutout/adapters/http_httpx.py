"""HTTP through httpx: the one module that knows it.

Two ways out. `send` talks to the provider and says for certain whether a request left. `fetch`
downloads from addresses that somebody else named, and trusts nothing about them.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from cutout.errors import (
    CutoutError,
    FetchRefusedError,
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
)

USER_AGENT = "cutout/0.1 (background removal; AWS Lambda)"
"""Media hosts refuse the default agents of HTTP libraries."""
_MAX_ANSWER_BYTES = 1024 * 1024
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

Resolver = Callable[[str, int], Iterable[str]]
"""The addresses of a host, as text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a server answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchLimits:
    """What a download may take. `allow_loopback` is for the local cloud alone."""

    max_bytes: int = 100 * 1024 * 1024
    max_seconds: float = 60
    allow_loopback: bool = False


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class HttpxHttp:
    """Requests to a server we chose.

    Connections are not kept: a function may freeze between two calls, and a paid call on a
    connection that died meanwhile would end with an unknown outcome.

    Args:
        timeout_seconds: for each of connect, read and write.
        verify: whose certificates are trusted.
        transport: in place of the network, for tests.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 30,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = httpx.Client(
            timeout=timeout_seconds,
            headers={"User-Agent": USER_AGENT},
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            cookies=_no_cookies(),
            verify=verify,
            transport=transport,
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One request, never repeated.

        Raises:
            NotSentError: it certainly did not reach the server.
            ResponseLostError: it may have, but no whole answer came.
        """
        try:
            request = self._client.build_request(method, url, headers=headers, content=body)
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise NotSentError(type(exc).__name__) from exc
        with _errors_mapped():
            response = self._client.send(request, stream=True)
            try:
                received = _limited(response.iter_bytes(), _MAX_ANSWER_BYTES, ResponseLostError)
                content = b"".join(received)
            finally:
                response.close()
        return Answer(status=response.status_code, headers=response.headers, body=content)


class SafeDownloads:
    """Downloads from links that somebody else named.

    Only https to public addresses; the address that was checked is the one connected to; every
    redirect is checked anew; no credentials are sent; size and time are bounded.

    Args:
        limits: what a download may take.
        resolver: finds a host's addresses.
        monotonic: seconds, for the limit of time.
        verify: whose certificates are trusted.
        transport: in place of the network, for tests.
    """

    def __init__(
        self,
        limits: FetchLimits | None = None,
        *,
        resolver: Resolver = resolve,
        monotonic: Callable[[], float] = time.monotonic,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._limits = limits or FetchLimits()
        self._resolver = resolver
        self._monotonic = monotonic
        self._client = httpx.Client(
            timeout=20,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            cookies=_no_cookies(),
            verify=verify,
            transport=transport,
        )

    def fetch(self, url: str, file: Path) -> int:
        """Stream the URL's body into the file; returns its size in bytes."""
        deadline = self._monotonic() + self._limits.max_seconds
        with _errors_mapped():
            for _ in range(_MAX_REDIRECTS + 1):
                self._check_time(deadline)
                response = self._client.send(self._request(url), stream=True)
                try:
                    if response.status_code not in _REDIRECTS:
                        return self._receive(response, file, deadline)
                    url = str(httpx.URL(url).join(response.headers.get("location", "")))
                finally:
                    response.close()
        raise FetchRefusedError("the link redirects too often")

    def _request(self, url: str) -> httpx.Request:
        """A request to the checked address itself, under the host's name."""
        parts = httpx.URL(url)
        address = self._checked_address(parts)
        return self._client.build_request(
            "GET",
            parts.copy_with(host=address, username=None, password=None),
            headers={"Host": parts.netloc.decode("ascii")},
            extensions={"sni_hostname": parts.host},
        )

    def _checked_address(self, url: httpx.URL) -> str:
        if not url.host:
            raise FetchRefusedError("the link names no host")
        try:
            addresses = list(self._resolver(url.host, url.port or 443))
        except (OSError, UnicodeError) as exc:
            raise NotSentError("the link's host is not found") from exc
        kinds = {self._kind(address) for address in addresses}
        if kinds == {"loopback"} and self._limits.allow_loopback:
            return addresses[0]
        if url.scheme != "https":
            raise FetchRefusedError("the link is not https")
        if kinds != {"public"}:
            raise FetchRefusedError("the link leads to an address that is not public")
        return addresses[0]

    def _kind(self, address: str) -> str:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(parsed, ipaddress.IPv6Address):
            if parsed.is_site_local or parsed.sixtofour:
                return "private"
            parsed = parsed.ipv4_mapped or parsed
        if parsed.is_loopback:
            return "loopback"
        is_public = parsed.is_global and not parsed.is_multicast and not parsed.is_reserved
        return "public" if is_public else "private"

    def _check_time(self, deadline: float) -> None:
        if self._monotonic() > deadline:
            raise FetchRefusedError("the link is too slow")

    def _receive(self, response: httpx.Response, file: Path, deadline: float) -> int:
        if not response.is_success:
            text = f"the link answers {response.status_code}"
            raise ProviderBusyError(text, status=response.status_code)
        kind = response.headers.get("content-type", "application/octet-stream").lower()
        if not kind.startswith(("image/", "application/octet-stream", "binary/octet-stream")):
            raise FetchRefusedError(f"the link serves {kind.partition(';')[0]}, not a picture")
        size = 0
        with file.open("wb") as sink:
            for chunk in _limited(
                response.iter_raw(),
                self._limits.max_bytes,
                FetchRefusedError,
            ):
                self._check_time(deadline)
                size += sink.write(chunk)
        return size


def _no_cookies() -> CookieJar:
    """A jar that keeps nothing: what one server sets must not go along to the next."""
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))


def _limited(
    chunks: Iterator[bytes],
    max_bytes: int,
    error: type[CutoutError],
) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise error(f"the body is larger than {max_bytes:,} bytes")
        yield chunk


@contextmanager
def _errors_mapped() -> Iterator[None]:
    """Every error of httpx becomes one of ours; messages never hold the URL."""
    try:
        yield
    except _NOT_SENT as exc:
        raise NotSentError(type(exc).__name__) from exc
    except httpx.InvalidURL as exc:
        raise FetchRefusedError("the link is not a URL") from exc
    except (httpx.HTTPError, httpx.StreamError) as exc:
        raise ResponseLostError(type(exc).__name__) from exc
