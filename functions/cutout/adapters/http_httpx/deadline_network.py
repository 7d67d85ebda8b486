"""Connections with one deadline, from the name look-up to the last byte.

httpx applies its time-out to each read and each write, so a server that sends one byte at a time
can block a worker for ever. None of its time-outs covers the name look-up.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import cache
from threading import Thread

import httpcore
import httpx

Resolver = Callable[[str, int], Iterable[str]]
"""Returns the addresses of a host and port."""
_MAX_CONNECTIONS = 100
_PART_BYTES = 16 * 1024  # the size of one TLS record, which is sent whole or not at all


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, from the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def look_up(resolver: Resolver, host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host.

    Raises:
        TimeoutError: the time is up.
        OSError: the host is not found.
        ValueError: the host's name is invalid.
    """
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


@cache
def _public_authorities() -> ssl.SSLContext:
    """One context for all clients: reading 120 certificates takes as long as importing httpx."""
    return httpx.create_ssl_context(trust_env=False)


class Network(httpx.HTTPTransport):
    """The network, with one deadline for each exchange: the connect time-out of its request.

    Connections are not kept, so each belongs to one exchange.

    Args:
        verify: the trusted certificates; those of all public authorities by default.
    """

    def __init__(self, verify: ssl.SSLContext | None) -> None:
        # httpx has no argument for the network backend, so this replaces its __init__.
        self._pool = httpcore.ConnectionPool(
            ssl_context=verify or _public_authorities(),
            max_connections=_MAX_CONNECTIONS,
            max_keepalive_connections=0,
            network_backend=_Connecting(),
        )


class _Connecting(httpcore.NetworkBackend):
    """Opens connections; each one's deadline starts here."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; each gets an equal share of the time."""
        until = time.monotonic() + (timeout or 0.0)
        try:
            addresses = look_up(resolve, host, port, _left(until, httpcore.ConnectTimeout))
        except TimeoutError as exc:
            raise httpcore.ConnectTimeout from exc
        except (OSError, ValueError) as exc:
            raise httpcore.ConnectError from exc
        failure: Exception = httpcore.ConnectError("the host has no address")
        for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            # The first address may not answer at all; the others still get their share of the time.
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
    """A connection whose steps share one deadline; httpcore's own time-outs are ignored."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Read some bytes; none at the end."""
        return self._stream.read(max_bytes, _left(self._until, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Write all bytes, in parts, so that the deadline is checked before each."""
        for start in range(0, len(buffer), _PART_BYTES):
            part = buffer[start : start + _PART_BYTES]
            self._stream.write(part, _left(self._until, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Encrypt the connection."""
        left = _left(self._until, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> object:
        """Information about the socket, for httpcore."""
        return self._stream.get_extra_info(info)


_CONNECTIONS = httpcore.SyncBackend()


def _left(until: float, error: type[httpcore.TimeoutException]) -> float:
    """The seconds left; never zero, which a socket would take for "do not wait".

    Raises:
        TimeoutException: the time is up; its class tells at which step.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise error("the time for the whole exchange is up")
    return left
