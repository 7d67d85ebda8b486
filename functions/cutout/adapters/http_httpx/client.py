"""What both ways out have in common: the client, bodies within bounds, errors in our words."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from cutout.adapters.http_httpx.network import Network
from cutout.domain.errors import CutoutError, NotSentError, ResponseLostError

USER_AGENT = "cutout/0.1 (background removal; AWS Lambda)"
"""Media hosts refuse the default agents of HTTP libraries."""
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_PIECE_BYTES = 64 * 1024


def client(
    timeout_seconds: float,
    verify: ssl.SSLContext | bool,  # noqa: FBT001 - as httpx calls it
    transport: httpx.BaseTransport | None,
) -> httpx.Client:
    """A client that keeps no connection, no cookie and obeys no environment."""
    return httpx.Client(
        timeout=timeout_seconds,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        trust_env=False,
        # What one server sets must not go along to the next.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
        transport=transport or Network(verify),
    )


def body_of(
    response: httpx.Response, max_bytes: int, too_large: type[CutoutError]
) -> Iterator[bytes]:
    """The body in pieces, decompressed where the server compressed it unasked.

    Raises:
        CutoutError: `too_large`, after `max_bytes` of what the body is when decompressed.
        httpx.DecodingError: it is compressed twice, in a way that nobody asked for, or not whole.
    """
    size = 0
    for piece in _pieces(response):
        size += len(piece)
        if size > max_bytes:
            raise too_large(f"the body is larger than {max_bytes:,} bytes")
        yield piece


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    """Source: RFC 9110, section 8.4. httpx would decompress without bound, several times over."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return response.iter_bytes()
    if coding not in _COMPRESSED:
        raise httpx.DecodingError("a content coding that was not asked for")
    return _decompressed(response.iter_raw())


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A small body may hold a thousand times its size, so it comes in pieces of bounded size."""
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for chunk in chunks:
            rest, piece = chunk, None
            while rest or (piece is not None and len(piece) == _PIECE_BYTES):
                piece = unpacking.decompress(rest, _PIECE_BYTES)
                rest = unpacking.unconsumed_tail
                yield piece
    except zlib.error as exc:
        raise httpx.DecodingError("the compression is broken") from exc
    if not unpacking.eof:
        raise httpx.DecodingError("the compressed body breaks off")


@contextmanager
def errors_mapped(odd_link: CutoutError) -> Iterator[None]:
    """Every error of httpx becomes one of ours; messages never hold the URL.

    Args:
        odd_link: what an address or a redirect to one is that httpx cannot read.
    """
    try:
        yield
    except _NOT_SENT as exc:
        raise NotSentError(type(exc).__name__) from exc
    except (httpx.HTTPError, httpx.StreamError) as exc:
        raise ResponseLostError(type(exc).__name__) from exc
    except (httpx.InvalidURL, ValueError) as exc:
        # Names are turned into ASCII late: `xn--` or half of a surrogate pair fails there.
        raise odd_link from exc
