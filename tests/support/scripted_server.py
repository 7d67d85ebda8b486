"""A server on loopback that answers each connection by a script, down to the byte."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Script = Callable[[socket.socket], None]
"""What the server does with a connection once the request is read; then it closes it."""


@dataclass
class Loopback:
    """The server as its test sees it.

    Attributes:
        requests: each request as it came, one a connection.
        names: the host names that TLS clients asked for.
        is_over: set when the test is over.
    """

    port: int
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/x", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
        """A URL of this server."""
        return f"{scheme}://{host}:{self.port}{path}"

    def headers(self, number: int = 0) -> dict[str, str]:
        """The headers of a request, names in lower case."""
        head = self.requests[number].partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:])
        return {name.lower(): value for name, value in pairs}


def answer(
    status: int = 200,
    body: bytes = b"",
    *,
    length: int | None = None,
    **headers: str,
) -> Script:
    """A script: one answer; `length` announces another size than the body has."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data: bytes) -> Script:
    """A script: these bytes, and the end."""
    return lambda connection: connection.sendall(data)


def hang(connection: socket.socket) -> None:
    """A script: say nothing until the client gives up."""
    connection.recv(1)


def drip(data: bytes, then: bytes = b" ") -> Script:
    """A script: these bytes, then a few more every hundredth of a second until the client goes.

    It ends after half a minute, so that a client without a limit sees another error.
    """

    def run(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.settimeout(0.01)
        for _ in range(3000):
            with suppress(TimeoutError):
                if not connection.recv(1):
                    return
            connection.sendall(then)

    return run


@contextmanager
def nobody() -> Iterator[str]:
    """The URL of a port that is taken, and on which nobody listens."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}/"


@contextmanager
def serving(
    *scripts: Script, tls: ssl.SSLContext | None = None, reads: bool = True
) -> Iterator[Loopback]:
    """A server that gives each connection the next script, and the last one for ever after.

    Without `reads`, the script comes before the request is read.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Loopback(port=listener.getsockname()[1])
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: server.names.append(name)
        thread = threading.Thread(target=_serve, args=(listener, server, scripts, tls, reads))
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(
    listener: socket.socket,
    server: Loopback,
    scripts: Sequence[Script],
    tls: ssl.SSLContext | None,
    reads: bool,  # noqa: FBT001 - passed on by a thread
) -> None:
    turn = 0
    while not server.is_over.is_set():
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.settimeout(5)
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                server.requests.append(_read_request(connection) if reads else b"")
                scripts[min(turn, len(scripts) - 1)](connection)
        turn += 1


_TLS_HANDSHAKE = b"\x16"


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and not data.startswith(_TLS_HANDSHAKE):
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    sizes = [
        line.split(b":")[1] for line in head.split(b"\r\n") if b"ontent-length" in line.lower()
    ]
    while sizes and len(body) < int(sizes[0]):
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body
