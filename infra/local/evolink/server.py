"""Running a stand-in, in this thread until the process is stopped or in another thread."""

import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.browser_guard import ProgramsOnly
from infra.local.evolink.api.control_routes import ControlRoutes
from infra.local.evolink.api.file_routes import FileRoutes
from infra.local.evolink.api.task_routes import TaskRoutes
from infra.local.evolink.faults.broken_answers import BreakableProtocol
from infra.local.evolink.options import Options
from infra.local.evolink.refusals import NOT_FOUND, RefusalError, answer_refusal
from infra.local.evolink.tasks.service import Service
from infra.local.evolink.tasks.task_lifecycle import TaskLifecycle
from infra.local.processes.loopback import LOOPBACK

_BACKLOG = 512


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


def run_standin(options: Options, *, port: int = 0, announce: Callable[[str], None]) -> None:
    """Serve until the process is stopped; call ``announce`` with the address once it answers."""
    with _listening(port) as listener:
        _Server(options, _url(listener), announce).run(sockets=[listener])


@contextmanager
def running_standin(options: Options) -> Iterator[Standin]:
    """Serve in another thread while the context is open."""
    ready = threading.Event()
    with _listening(0) as listener:
        url = _url(listener)
        server = _Server(options, url, lambda _: ready.set())
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

    def __init__(self, options: Options, url: str, announce: Callable[[str], None]) -> None:
        super().__init__(
            uvicorn.Config(
                _app(Service(options, url)),
                http=BreakableProtocol,
                ws="none",
                lifespan="on",
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._url = url
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce(self._url)


def _app(service: Service) -> Starlette:
    """Connect the routes; tasks run between the server's start and its end."""
    lifecycle = TaskLifecycle(service)
    parts = (TaskRoutes(service, lifecycle), FileRoutes(service), ControlRoutes(service))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        lifecycle.resume()
        yield
        await lifecycle.close()
        service.close()

    return Starlette(
        routes=[route for part in parts for route in part.routes()],
        middleware=[Middleware(ProgramsOnly), Middleware(_RequestIds)],
        exception_handlers={RefusalError: answer_refusal, 404: _not_found, 405: _not_found},
        lifespan=lifespan,
    )


async def _not_found(_request: Request, _error: Exception) -> Response:
    return NOT_FOUND.response()


class _RequestIds:
    """Gives every answer its own id, in the header that clients are advised to log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = secrets.token_hex(16)
            await send(message)

        await self._app(scope, receive, send_with_id)


def _listening(port: int) -> socket.socket:
    # Opened before the server starts: with port 0, its address must be known for links.
    return socket.create_server((LOOPBACK, port), backlog=_BACKLOG)


def _url(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"
