"""What requests and downloads share: the client, limits for bodies, and the mapping of errors."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from cutout.adapters.http_httpx.deadline_network import DeadlineNetwork
from cutout.domain.errors import CutoutError, NotSentError, ResponseLostError

USER_AGENT = "cutout/0.1 (background removal; AWS Lambda)"
"""Media hosts refuse the default user agents of HTTP libraries."""
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib finds out which of the two it is
_MAX_PIECE_BYTES = 64 * 1024


def client(
    timeout_seconds: float,
    verify: ssl.SSLContext | None,
    transport: httpx.BaseTransport | None,
) -> httpx.Client:
    """A client that ignores the environment and keeps neither connections nor cookies."""
    return httpx.Client(
        timeout=timeout_seconds,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        # Neither a proxy nor a .netrc of the environment gets to see the API key.
        trust_env=False,
        # A cookie of one server must not be sent to the next.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
        transport=transport or DeadlineNetwork(verify),
    )


def body_of(
    response: httpx.Response, max_bytes: int, too_large: type[CutoutError]
) -> Iterator[bytes]:
    """The body in pieces; decompressed if the server compressed it although we did not ask for it.

    `too_large` if it has more than `max_bytes` then. httpx.DecodingError: it is compressed twice or
    in an unknown way, or is incomplete.
    """
    size = 0
    for piece in _pieces(response):
        size += len(piece)
        if size > max_bytes:
            raise too_large(f"the body is larger than {max_bytes:,} bytes")
        yield piece


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    """The body without its content coding (RFC 9110, section 8.4); httpx has no limit of size."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return response.iter_bytes()
    if coding not in _COMPRESSED:
        raise httpx.DecodingError("a content coding that was not asked for")
    return _decompressed(response.iter_raw())


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """In pieces of limited size, since a small body may decompress to a thousand times its size."""
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for chunk in chunks:
            rest, piece = chunk, None
            while rest or (piece is not None and len(piece) == _MAX_PIECE_BYTES):
                piece = unpacking.decompress(rest, _MAX_PIECE_BYTES)
                rest = unpacking.unconsumed_tail
                yield piece
    except zlib.error as exc:
        raise httpx.DecodingError("the compression is broken") from exc
    if not unpacking.eof:
        raise httpx.DecodingError("the compressed body breaks off")


@contextmanager
def errors_mapped(odd_link: CutoutError) -> Iterator[None]:
    """Translate httpx errors into ours, without the URL; `odd_link` is for one it cannot parse."""
    try:
        yield
    except _NOT_SENT as exc:
        raise NotSentError(type(exc).__name__) from exc
    except (httpx.HTTPError, httpx.StreamError) as exc:
        raise ResponseLostError(type(exc).__name__) from exc
    except (httpx.InvalidURL, ValueError) as exc:
        # httpx encodes host names late: `xn--` or a lone surrogate fails only there.
        raise odd_link from exc
