"""The server of the stand-in, and its routes."""

import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.browser_guard import ProgramsOnly
from infra.local.evolink.api.control_routes import ControlRoutes
from infra.local.evolink.api.file_routes import FileRoutes
from infra.local.evolink.api.task_routes import TaskRoutes
from infra.local.evolink.faults.broken_answers import BreakableProtocol
from infra.local.evolink.options import Options
from infra.local.evolink.refusals import RefusalError, answer_refusal
from infra.local.evolink.tasks.service import Service
from infra.local.evolink.tasks.task_lifecycle import TaskLifecycle
from infra.local.processes.loopback import LOOPBACK

_BACKLOG = 512


class StandinServer(uvicorn.Server):
    """A stand-in on loopback; ``run`` serves until the process is stopped or ``should_exit``.

    Port 0 chooses a free one. ``announce`` gets the address, which is ``url``, once it answers.
    """

    def __init__(self, options: Options, *, port: int = 0, announce: Callable[[str], None]) -> None:
        # Opened before the server starts: with port 0, its address must be known for links.
        self._listener = socket.create_server((LOOPBACK, port), backlog=_BACKLOG)
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        self._announce = announce
        super().__init__(
            uvicorn.Config(
                _app(Service(options, self.url)),
                http=BreakableProtocol,
                ws="none",
                lifespan="on",
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on its own socket."""
        with self._listener:
            super().run([*(sockets or ()), self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and announce it."""
        await super().startup(sockets)
        if self.started:
            self._announce(self.url)


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
        routes=[route for part in parts for route in part.routes],
        middleware=[Middleware(ProgramsOnly), Middleware(_RequestIds)],
        exception_handlers=dict.fromkeys((RefusalError, 404, 405), answer_refusal),
        lifespan=lifespan,
    )


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
