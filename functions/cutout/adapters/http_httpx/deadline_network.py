"""Connections with one deadline, from the name look-up to the last byte.

httpx applies its time-out to each read and each write, so a server that sends one byte at a time
can block a worker for ever. None of its time-outs covers the name look-up. This transport sends by
the standard library: httpcore takes no deadline, and loads as slowly as all other parts of httpx.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Resolver = Callable[[str, int], Iterable[str]]
"""Returns the addresses of a host and port."""
_PORTS = {"http": 80, "https": 443}
_PART_BYTES = 16 * 1024  # the size of one TLS record, which is sent whole or not at all
_MAX_HEAD_BYTES = 100 * 1024


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, from the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def look_up(resolver: Resolver, host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host; TimeoutError, OSError if it has none, ValueError for a bad name."""
    # The system's resolver has no time-out, so it runs in a thread, which is abandoned when the
    # time is up.
    found: Future[list[str]] = Future()

    def run() -> None:
        try:
            found.set_result(list(dict.fromkeys(resolver(host, port))))
        except (OSError, ValueError) as exc:
            found.set_exception(exc)

    # A daemon does not keep the process alive.
    Thread(target=run, daemon=True).start()
    return found.result(max(0.0, seconds))


class DeadlineNetwork(httpx.BaseTransport):
    """The network, with one deadline for each exchange: the connect time-out of its request.

    Connections are not kept, so each belongs to one exchange.
    """

    def __init__(self, verify: ssl.SSLContext | None) -> None:
        self._verify = verify or httpx.create_ssl_context(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the response's body is read from the connection."""
        if request.url.scheme not in _PORTS:
            raise httpx.UnsupportedProtocol("neither http nor https")
        until = time.monotonic() + request.extensions["timeout"]["connect"]
        with _raised_as(httpx.ConnectTimeout, httpx.ConnectError):
            connection = _Connection(self._connected(request, until), until)
        try:
            with _raised_as(httpx.WriteTimeout, httpx.WriteError):
                _send(request, connection)
            with _raised_as(httpx.ReadTimeout, httpx.ReadError):
                response = _head(request, connection)
        except httpx.TransportError:
            connection.close()
            raise
        pairs = response.getheaders()
        headers = [(name.encode(), value.encode("latin-1")) for name, value in pairs]
        return httpx.Response(response.status, headers=headers, stream=_Body(response, connection))

    def _connected(self, request: httpx.Request, until: float) -> socket.socket:
        """Connect to the first address that answers; each gets an equal share of the time."""
        url, host = request.url, request.url.raw_host.decode("ascii")
        port = url.port or _PORTS[url.scheme]
        addresses = look_up(resolve, host, port, _left(until))
        failure: Exception = OSError("the host has no address")
        for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            # The first address may not answer at all; the others still get their share of the time.
            try:
                plain = socket.create_connection((address, port), _left(until) / untried)
            except OSError as exc:
                failure = exc
                continue
            # A small body does not wait until the headers are acknowledged.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if url.scheme == "http":
                return plain
            plain.settimeout(_left(until))  # of the hand-shake as a whole
            name = request.extensions.get("sni_hostname", host)
            return self._verify.wrap_socket(plain, server_hostname=name)
        raise failure


class _Connection(io.RawIOBase):
    """What the standard library's HTTP uses of a socket; all steps share one deadline."""

    def __init__(self, plain: socket.socket, until: float) -> None:
        self._socket = plain
        self._until = until
        self.head_left: int | None = _MAX_HEAD_BYTES

    def sendall(self, data: bytes) -> None:
        """Send all bytes, in parts, so that the deadline is checked before each."""
        for start in range(0, len(data), _PART_BYTES):
            self._socket.settimeout(_left(self._until))
            self._socket.sendall(data[start : start + _PART_BYTES])

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Itself, as a file."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """As the reader asks."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read some bytes; none at the end. HTTPException: the head ends here, or is too long.

        The standard library would take a head that breaks off for a whole one.
        """
        self._socket.settimeout(_left(self._until))
        count = self._socket.recv_into(buffer)
        if self.head_left is not None:
            self.head_left -= count
            if not count or self.head_left < 0:
                raise http.client.HTTPException("not a whole head")
        return count

    def close(self) -> None:
        """Close the connection.

        As a file it stays open: when a response is deleted, it flushes the file that it read.
        """
        self._socket.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: http.client.HTTPResponse, connection: _Connection) -> None:
        self._response = response
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        with _raised_as(httpx.ReadTimeout, httpx.ReadError):
            while piece := self._response.read(_PART_BYTES):
                yield piece
            if self._response.length:
                raise http.client.IncompleteRead(b"", self._response.length)

    def close(self) -> None:
        self._connection.close()


def _send(request: httpx.Request, connection: _Connection) -> None:
    sender = http.client.HTTPConnection("")
    sender.sock = connection
    headers = {name.decode("ascii"): value for name, value in request.headers.raw}
    target = request.url.raw_path.decode("ascii")
    # Without a body, the standard library would announce one of no bytes.
    sender.request(request.method, target, request.read() or None, headers)


def _head(request: httpx.Request, connection: _Connection) -> http.client.HTTPResponse:
    """The final response, whose body is still to be read."""
    response = http.client.HTTPResponse(connection, method=request.method)  # type: ignore[arg-type]
    response.begin()
    while response.status < HTTPStatus.OK:
        response.headers = None  # type: ignore[assignment] # so that it reads another head
        response.begin()
    connection.head_left = None  # from now on, the server may end the connection
    is_framed = response.chunked or response.length is not None
    if response.headers.defects or ("content-length" in response.headers and not is_framed):
        raise http.client.HTTPException("the headers are malformed")
    return response


@contextmanager
def _raised_as(
    timed_out: type[httpx.TransportError], failed: type[httpx.TransportError]
) -> Iterator[None]:
    """Translate the standard library's errors into those of httpx."""
    try:
        yield
    except TimeoutError as exc:
        raise timed_out("the time is up") from exc
    except http.client.HTTPException as exc:
        raise httpx.RemoteProtocolError("not a whole response") from exc
    except (OSError, ValueError) as exc:
        raise failed("the connection failed") from exc


def _left(until: float) -> float:
    """The seconds left, or a TimeoutError; never 0, which a socket takes for "do not wait"."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
