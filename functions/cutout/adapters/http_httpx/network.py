"""Connections that keep one deadline, from the look-up of the name to the last byte.

httpx gives each read and each write the whole time-out again, so a server that sends a byte now
and then holds a worker without end. And no time-out of its covers the look-up of a name.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Thread

import httpcore
import httpx

Resolver = Callable[[str, int], Iterable[str]]
"""The addresses of a host, as text."""
_MAX_CONNECTIONS = 100
_PART_BYTES = 16 * 1024
"""As much as one TLS record holds: it is sent whole, or not within the time."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def look_up(resolver: Resolver, host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host, within so many seconds.

    The system's resolver takes no time-out, so it runs in a thread, which is left alone if it is
    late.

    Raises:
        TimeoutError: it was late.
        OSError: the host is not found.
        ValueError: no host can have that name.
    """
    found: Future[list[str]] = Future()

    def run() -> None:
        try:
            found.set_result(list(dict.fromkeys(resolver(host, port))))
        except (OSError, ValueError) as exc:
            found.set_exception(exc)

    Thread(target=run, daemon=True).start()
    return found.result(max(0.0, seconds))


class Network(httpx.HTTPTransport):
    """The network, with every exchange under one deadline: the connect time-out of its request.

    Connections are not kept, so that each belongs to one exchange.

    Args:
        verify: whose certificates are trusted.
    """

    def __init__(self, verify: ssl.SSLContext | bool) -> None:  # noqa: FBT001 - as httpx calls it
        # httpx has no argument for the connections below; its own __init__ would make others.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(verify=verify, trust_env=False),
            max_connections=_MAX_CONNECTIONS,
            max_keepalive_connections=0,
            network_backend=_Connecting(),
        )


class _Connecting(httpcore.NetworkBackend):
    """Opens connections; the deadline of each counts from here."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; each gets its share of the time."""
        until = time.monotonic() + (timeout or 0.0)
        try:
            addresses = look_up(resolve, host, port, _left(until, httpcore.ConnectTimeout))
        except TimeoutError as exc:
            raise httpcore.ConnectTimeout from exc
        except (OSError, ValueError) as exc:
            raise httpcore.ConnectError from exc
        failure: Exception = httpcore.ConnectError("the host has no address")
        for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = _left(until, httpcore.ConnectTimeout) / untried
            try:
                stream = _CONNECTIONS.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return _Stream(stream, until)
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection of which every step has what is left of the time; httpcore's is ignored."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Some bytes, or none at the end."""
        return self._stream.read(max_bytes, _left(self._until, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """All of the bytes, in parts: each has the time that the ones before have left."""
        for start in range(0, len(buffer), _PART_BYTES):
            part = buffer[start : start + _PART_BYTES]
            self._stream.write(part, _left(self._until, httpcore.WriteTimeout))

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted."""
        left = _left(self._until, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> object:
        """What httpcore asks about the socket."""
        return self._stream.get_extra_info(info)


_CONNECTIONS = httpcore.SyncBackend()


def _left(until: float, error: type[httpcore.TimeoutException]) -> float:
    """Seconds that are left; never none, which a socket would take for "do not wait".

    Raises:
        TimeoutException: the time is up; the error says at which step.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise error("the time for the whole exchange is up")
    return left
