"""The stand-in as an ASGI application."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.browser_guard import ProgramsOnly
from infra.local.evolink.api.control import Control
from infra.local.evolink.api.create_task import Creating
from infra.local.evolink.api.error_responses import RefusalError, answer_refusal
from infra.local.evolink.api.media_host import Results
from infra.local.evolink.api.read_task import Reading
from infra.local.evolink.files.file_errors import FilesRefusalError, answer_files_refusal
from infra.local.evolink.files.routes import Files
from infra.local.evolink.options import Options
from infra.local.evolink.service import Service


def make_app(options: Options, own_url: str) -> Starlette:
    """Put the routes together; tasks live between the server's start and its end."""
    service = Service(options, own_url)
    routes: list[BaseRoute] = []
    for part in (Creating, Reading, Results, Files, Control):
        routes += part(service).routes()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        service.lives.resume()
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
            FilesRefusalError: answer_files_refusal,
            404: _no_route,
            405: _no_route,
        },
        lifespan=lifespan,
    )


async def _no_route(_request: Request, _error: Exception) -> Response:
    error = {"code": "not_found", "message": "Not found", "type": "invalid_request_error"}
    return JSONResponse({"error": error}, status_code=404)


class _RequestIds:
    """Gives every answer an id of its own, in the header clients are told to log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(16)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)
