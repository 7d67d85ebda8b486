"""Running a stand-in, in this thread until the process is stopped or in another thread."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from infra.local.evolink.asgi_app import make_app
from infra.local.evolink.faults.connections import BreakableProtocol
from infra.local.evolink.options import Options

_HOST = "127.0.0.1"
_BACKLOG = 512


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """PEM files of a server that speaks TLS."""

    chain: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Standin:
    """A running stand-in.

    Attributes:
        url: Its address, without a slash at the end.
        api_key: A key that it accepts.
        control_token: The token that its control routes require.
    """

    url: str
    api_key: str = field(repr=False)
    control_token: str = field(repr=False)


def run_standin(
    options: Options,
    *,
    port: int = 0,
    certificate: Certificate | None = None,
    announce: Callable[[str], None],
) -> None:
    """Serve until the process is stopped; call ``announce`` with the address once it answers."""
    with _listening(port) as listener:
        url = _url(listener, certificate)
        _Server(options, url, certificate, announce).run(sockets=[listener])


@contextmanager
def running_standin(options: Options, *, port: int = 0) -> Iterator[Standin]:
    """Serve in another thread while the context is open."""
    ready = threading.Event()
    with _listening(port) as listener:
        url = _url(listener, None)
        server = _Server(options, url, None, lambda _: ready.set())
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="evolink", daemon=True
        )
        thread.start()
        try:
            if not ready.wait(10):
                raise RuntimeError("the stand-in did not start")
            yield Standin(url=url, api_key=options.api_keys[0], control_token=options.control_token)
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """uvicorn on an open socket, which reports when it is ready."""

    def __init__(
        self,
        options: Options,
        url: str,
        certificate: Certificate | None,
        announce: Callable[[str], None],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                make_app(options, url),
                http=BreakableProtocol,
                ws="none",
                lifespan="on",
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=1,
                ssl_certfile=None if certificate is None else certificate.chain,
                ssl_keyfile=None if certificate is None else certificate.key,
            )
        )
        self._url = url
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce(self._url)


def _listening(port: int) -> socket.socket:
    # Opened before the server starts: with port 0, its address must be known for links.
    return socket.create_server((_HOST, port), backlog=_BACKLOG)


def _url(listener: socket.socket, certificate: Certificate | None) -> str:
    scheme = "http" if certificate is None else "https"
    return f"{scheme}://{_HOST}:{listener.getsockname()[1]}"
