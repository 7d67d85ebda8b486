"""The stand-in for Evolink, running in another thread of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from infra.local.evolink.options import Options
from infra.local.evolink.server import StandinServer


@dataclass(frozen=True, kw_only=True)
class Standin:
    """A running stand-in.

    Attributes:
        url: Its address, without a slash at the end.
        control_token: The token that its control routes require.
    """

    url: str
    control_token: str = field(repr=False)


@contextmanager
def running_standin(options: Options) -> Iterator[Standin]:
    """Serve while the context is open."""
    ready = threading.Event()
    server = StandinServer(options, announce=lambda _: ready.set())
    thread = threading.Thread(target=server.run, name="evolink", daemon=True)
    thread.start()
    try:
        assert ready.wait(10), "the stand-in did not start"
        yield Standin(url=server.url, control_token=options.control_token)
    finally:
        server.should_exit = True
        thread.join()
