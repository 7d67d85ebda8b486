"""The stand-in as an ASGI application."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.browser_guard import ProgramsOnly
from infra.local.evolink.answers.error_responses import RefusalError, answer_refusal
from infra.local.evolink.api.control_routes import ControlRoutes
from infra.local.evolink.api.create_task import CreateTask
from infra.local.evolink.api.file_routes import FileRoutes
from infra.local.evolink.api.media_host import MediaHost
from infra.local.evolink.api.read_task import ReadTask
from infra.local.evolink.options import Options
from infra.local.evolink.service import Service


def make_app(options: Options, own_url: str) -> Starlette:
    """Connect the routes; tasks run between the server's start and its end."""
    service = Service(options, own_url)
    routes: list[BaseRoute] = []
    for part in (CreateTask, ReadTask, MediaHost, FileRoutes, ControlRoutes):
        routes += part(service).routes()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        service.lifecycle.resume()
        yield
        await service.close()

    return Starlette(
        routes=routes,
        middleware=[
            Middleware(ProgramsOnly, names=frozenset({urlsplit(service.base_url).hostname or ""})),
            Middleware(_RequestIds),
        ],
        exception_handlers={
            RefusalError: answer_refusal,
            404: _not_found,
            405: _not_found,
        },
        lifespan=lifespan,
    )


async def _not_found(_request: Request, _error: Exception) -> Response:
    return RefusalError(HTTPStatus.NOT_FOUND, "not_found", "Not found").response()


class _RequestIds:
    """Gives every answer its own id, in the header that clients are advised to log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(16)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)
