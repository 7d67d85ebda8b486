"""The server of the console: on this machine only, until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from cutout.cli.console.app import create_app
from cutout.cli.console.guard import TOKEN_PARAMETER, Secrets

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from cutout.cli.aws.deployed_stack import Stack
    from cutout.cli.output.money import Price
    from cutout.cli.progress.clock import Clock

_STOP_SECONDS = 1
"""How long open windows delay the end."""


def serve(
    listener: socket.socket,
    connect: Callable[[], Stack],
    *,
    price: Price,
    clock: Clock,
    address: str,
    opened: Callable[[str], None],
) -> None:
    """Serve until Ctrl-C.

    Args:
        listener: the bound socket.
        connect: connects to the stack.
        price: of a credit.
        clock: the time.
        address: host and port of the listener.
        opened: gets the URL that opens the console.
    """
    own = Secrets()
    app = create_app(connect, price=price, clock=clock, own=own, address=address)
    # No access log: it would print the token.
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    opened(f"http://{address}/?{TOKEN_PARAMETER}={own.token}")
    uvicorn.Server(config).run(sockets=[listener])
