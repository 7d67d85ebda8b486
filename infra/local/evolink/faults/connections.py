"""Connections that can be broken on purpose: HTTP servers are made not to."""

import asyncio
import socket
import struct

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol


class BreakableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which shows a handler the transport of its request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport into the state that every request of the connection carries."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def reset(request: Request) -> None:
    """Reset the connection of a request: the client reads no byte more, not even an end."""
    transport: asyncio.Transport = request.state.transport
    plain = transport.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await until_gone(request)


async def end(request: Request) -> None:
    """Close the connection of a request after what was sent so far."""
    transport: asyncio.Transport = request.state.transport
    transport.close()
    await until_gone(request)


async def until_gone(request: Request) -> None:
    """Wait until the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
