"""Answers that break their connection: HTTP servers are made not to do that."""

import asyncio
import socket
import struct

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.local.evolink.standin_clock import Clock


class BreakableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which shows a handler the transport of its request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport into the state that every request of the connection carries."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Hang(Response):
    """No answer: the client waits until it gives up."""

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        """Wait until the client has disconnected."""
        await _until_disconnected(receive)


class Reset(Response):
    """No answer but a connection reset: the client reads no further byte and no end of file."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Reset the connection."""
        transport: asyncio.Transport = scope["state"]["transport"]
        # With SO_LINGER at 0 seconds, closing a socket sends RST instead of FIN (socket(7)).
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
        await _until_disconnected(receive)


class Truncated(Response):
    """Half of the bytes that the header promises, then the end of the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the half."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        half = bytes(self.body)[: len(self.body) // 2]
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport: asyncio.Transport = scope["state"]["transport"]
        # More was announced, so the client sees an incomplete body, not a short one.
        transport.close()
        await _until_disconnected(receive)


class Delayed(Response):
    """Another answer, sent later."""

    def __init__(self, answer: Response, clock: Clock, seconds: float) -> None:
        super().__init__(status_code=answer.status_code)
        self._answer = answer
        self._clock = clock
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then send the answer."""
        await self._clock.wait(self._seconds)
        await self._answer(scope, receive, send)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
