"""The console on a stack, served on this machine for a real browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.console.console_server import ConsoleServer, create_app
from cutout.cli.console.guard import Secrets
from cutout.cli.output.money import Price
from cutout.cli.progress.clock import Clock

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass(frozen=True, kw_only=True)
class Served:
    """A console that is served."""

    origin: str
    token: str

    @property
    def url(self) -> str:
        """The URL that opens it, as it is printed."""
        return f"{self.origin}/?token={self.token}"

    def at(self, path: str) -> str:
        """The URL of a page."""
        return self.origin + path


@contextmanager
def served(connect: Callable[[], Stack], clock: Clock) -> Iterator[Served]:
    """Serve the console."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    own = Secrets()
    app = create_app(
        connect,
        price=Price(cents=Decimal("1.47")),
        clock=clock,
        own=own,
        address=address,
    )
    server = ConsoleServer(*app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Served(origin=f"http://{address}", token=own.token)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def watched(page: Page) -> list[str]:
    """Return the list that a window's errors are added to."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda told: complaints.append(told.text) if "Content Security" in told.text else None,
    )
    return complaints
