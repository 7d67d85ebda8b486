"""The console on a stack in memory, and a client in place of a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from cutout.cli.console.console_server import create_app
from cutout.cli.console.guard import CSRF_HEADER, Secrets
from cutout.cli.output.money import Price
from tests.support.cli.stack import FakeStack

ADDRESS = "127.0.0.1:4711"
ORIGIN = f"http://{ADDRESS}"
OWN = Secrets(token="the-token", csrf="the-csrf")
WRITES = {"Origin": ORIGIN, CSRF_HEADER: OWN.csrf}
"""The headers that scripts of our pages send with a write."""


class Visitor:
    """A person who opened the printed URL, and whose browser has the cookie since."""

    def __init__(self, stack: FakeStack | None = None) -> None:
        self.stack = stack or FakeStack()
        self.connections = 0
        self.app, _ = create_app(
            self._connect,
            price=Price(cents=Decimal("1.47")),
            clock=self.stack.clock,
            own=OWN,
            address=ADDRESS,
        )
        self._cookies = dict(self.get(f"/?token={OWN.token}", cookies={}).cookies)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Request a page."""
        return self.send("GET", path, **options)

    def post(self, path: str, fields: Mapping[str, str] | None = None) -> httpx.Response:
        """Write as a script of our pages does."""
        return self.send("POST", path, headers=WRITES, data=dict(fields or {}))

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send any request; without cookies of its own it has the console's."""

        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            given = self._cookies if cookies is None else cookies
            async with httpx.AsyncClient(
                transport=transport, base_url=ORIGIN, cookies=dict(given)
            ) as client:
                return await client.request(
                    method, path, headers=headers, data=data, content=content
                )

        return asyncio.run(sent())

    def break_off(self, path: str, headers: Mapping[str, str], content: bytes) -> None:
        """Begin to send a body, and close the connection."""
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        sent = {"host": ADDRESS, "cookie": cookie, **headers}
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        }
        messages: list[dict[str, Any]] = [
            {"type": "http.disconnect"},
            {"type": "http.request", "body": content, "more_body": True},
        ]

        async def receive() -> dict[str, Any]:
            return messages.pop()

        async def send(message: Any) -> None:
            assert message["type"].startswith("http.response")

        asyncio.run(self.app(scope, receive, send))

    def _connect(self) -> FakeStack:
        self.connections += 1
        return self.stack
