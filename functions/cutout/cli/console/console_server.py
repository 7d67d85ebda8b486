"""The server of the console: on this machine only, until Ctrl-C."""

import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.console.guard import TOKEN_PARAMETER, Guard, Secrets
from cutout.cli.console.web_app import create_app
from cutout.cli.output.money import Price
from cutout.cli.progress.clock import Clock

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
