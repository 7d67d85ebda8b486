"""Downloads from untrusted URLs."""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx

from cutout.adapters.http_httpx.client import body_of, client, errors_mapped
from cutout.adapters.http_httpx.deadline_network import Resolver, look_up, resolve
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import FetchRefusedError, NotSentError, ProviderBusyError

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchLimits:
    """The limits of one download. `allow_loopback` is for the local cloud only."""

    max_bytes: int = 100 * 1024 * 1024
    max_seconds: float = 60
    allow_loopback: bool = False


class SafeDownloads:
    """Downloads from untrusted URLs.

    It connects only over https and to public addresses, to the very address that it checked, and
    checks each redirect again. It sends no credentials, and limits size and time.

    By default it trusts all public authorities; a transport replaces the network in tests.
    """

    def __init__(
        self,
        limits: FetchLimits | None = None,
        *,
        resolver: Resolver = resolve,
        monotonic: Callable[[], float] = time.monotonic,
        verify: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._limits = limits or FetchLimits()
        self._resolver = resolver
        self._monotonic = monotonic
        self._client = client(self._limits.max_seconds, verify, transport)

    def fetch(self, url: str, file: Path) -> int:
        """Stream the URL's body into the file; return its size in bytes."""
        deadline = self._monotonic() + self._limits.max_seconds
        with errors_mapped(FetchRefusedError("the link is not a URL")):
            for _ in range(_MAX_REDIRECTS + 1):
                response = self._client.send(self._request(url, deadline), stream=True)
                try:
                    if response.status_code not in _REDIRECTS:
                        return self._receive(response, file)
                    # Followed here, not by httpx: each address on the way is checked.
                    url = str(httpx.URL(url).join(response.headers.get("location", "")))
                finally:
                    response.close()
        raise FetchRefusedError("the link redirects too often")

    def _request(self, url: str, deadline: float) -> httpx.Request:
        """A request to the checked address, with the host's name in its headers and TLS."""
        # A second look-up of the name could give another address, one that is not public.
        parts = httpx.URL(url)
        address = self._checked_address(parts, self._seconds_left(deadline))
        return self._client.build_request(
            "GET",
            parts.copy_with(host=address, username=None, password=None),
            headers={"Host": parts.netloc.decode("ascii")},
            extensions={"sni_hostname": parts.host},
            timeout=self._seconds_left(deadline),
        )

    def _checked_address(self, url: httpx.URL, seconds: float) -> str:
        if not url.host:
            raise FetchRefusedError("the link names no host")
        try:
            addresses = look_up(self._resolver, url.host, url.port or 443, seconds)
        except (OSError, ValueError) as exc:
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
            # An address of 6to4 contains an IPv4 address, which may be private.
            if parsed.is_site_local or parsed.sixtofour:
                return "private"
            parsed = parsed.ipv4_mapped or parsed  # ::ffff:127.0.0.1 is this machine
        if parsed.is_loopback:
            return "loopback"
        is_public = parsed.is_global and not parsed.is_multicast and not parsed.is_reserved
        return "public" if is_public else "private"

    def _seconds_left(self, deadline: float) -> float:
        left = deadline - self._monotonic()
        if left <= 0:
            raise FetchRefusedError("the link is too slow")
        return left

    def _receive(self, response: httpx.Response, file: Path) -> int:
        if response.status_code != HTTPStatus.OK:
            text = f"the link answers {response.status_code}"
            raise ProviderBusyError(text, status=response.status_code)
        size = 0
        with file.open("wb") as sink:
            for piece in body_of(response, self._limits.max_bytes, FetchRefusedError):
                size += sink.write(piece)
        return size
