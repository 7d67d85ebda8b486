"""The server of the console: its pages, behind the guard, on this machine only until Ctrl-C."""

import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.console.board_page import Board
from cutout.cli.console.drop_page import Drop
from cutout.cli.console.guard import TOKEN_PARAMETER, Guard, Secrets
from cutout.cli.console.job_files import JobFiles
from cutout.cli.console.live import LiveWindows
from cutout.cli.console.photo_page import PhotoPage
from cutout.cli.console.review_page import ReviewPage
from cutout.cli.console.site import Site
from cutout.cli.output.money import Price
from cutout.cli.output.problems import Problem
from cutout.cli.progress.clock import Clock

_STATIC = ("cutout.cli.console", "static")
_DEFECT = Problem(
    "This is a bug in the console.", advice="The terminal of `cutout console` shows the details."
)
_STOP_SECONDS = 3
"""How long requests that are being answered delay the end."""


class ConsoleServer(uvicorn.Server):
    """Serves the pages, and ends open windows first when it ends."""

    def __init__(self, pages: Guard, end_windows: Callable[[], None]) -> None:
        self._end_windows = end_windows
        super().__init__(
            # No access log: it would print the token.
            uvicorn.Config(
                pages,
                access_log=False,
                log_level="warning",
                lifespan="off",
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the server: it would wait for them, and cancel them as an error."""
        self._end_windows()
        await super().shutdown(sockets)


def serve(
    listener: socket.socket,
    connect: Callable[[], Stack],
    *,
    price: Price,
    clock: Clock,
    address: str,
    opened: Callable[[str], None],
) -> None:
    """Serve on a bound socket until Ctrl-C; `opened` gets the URL that opens the console."""
    own = Secrets()
    app = create_app(connect, price=price, clock=clock, own=own, address=address)
    opened(f"http://{address}/?{TOKEN_PARAMETER}={own.token}")
    with suppress(KeyboardInterrupt):  # Ctrl-C is the normal end; uvicorn raises it again.
        ConsoleServer(*app).run(sockets=[listener])


def create_app(
    connect: Callable[[], Stack], *, price: Price, clock: Clock, own: Secrets, address: str
) -> tuple[Guard, Callable[[], None]]:
    """Return the pages of a server at `address`, and what ends the streams of open windows."""
    site = Site(connect, price=price, clock=clock, csrf=own.csrf)
    windows = LiveWindows(site)

    def not_found(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        what = Problem(f"{HTTPStatus(status).phrase}.", advice="The board lists the photos.")
        return site.page("problem.html", status=status, problem=what)

    def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody gets it

    def defect(request: Request, _error: Exception) -> Response:
        return site.trouble(request, _DEFECT)

    routes = [
        *Board(site=site, windows=windows).routes(),
        *PhotoPage(site=site, windows=windows).routes(),
        *ReviewPage(site=site).routes(),
        *JobFiles(site=site).routes(),
        *Drop(site=site, windows=windows).routes(),
        *windows.routes(),
        Mount("/static", StaticFiles(packages=[_STATIC]), name="static"),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={HTTPException: not_found, ClientDisconnect: gone, Exception: defect},
    )
    return Guard(app, own, address), windows.end
