"""Servers on loopback are for programs of this machine: web pages in its browser are refused.

A page may send requests to loopback ports, with a form or a script; one that points its own host
name at 127.0.0.1 (DNS rebinding) may read the answers, too. Browsers say in headers that a script
cannot change where a request comes from (Origin, Sec-Fetch-Site) and which name it is for (Host).
https://fetch.spec.whatwg.org/#origin-header https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_OF_NO_OTHER_PAGE = frozenset({"", "none", "same-origin"})


class ProgramsOnly:
    """An ASGI application whose requests come from programs of this machine.

    Args:
        app: what answers them.
        closed: paths that nobody may ask for.
        names: other host names that it is known by.
    """

    def __init__(
        self, app: App, *, closed: frozenset[str] = frozenset(), names: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._closed = closed
        self._names = _LOOPBACK_NAMES | names

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - of any ASGI server
        """Answer 403 instead of the application, should it be neither."""
        if scope["type"] == "lifespan" or self._is_welcome(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
            status = HTTPStatus.FORBIDDEN.value
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    def _is_welcome(self, scope: _Scope) -> bool:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        origin = headers.get(b"origin")
        return (
            scope["path"] not in self._closed
            and self._is_ours(host)
            and headers.get(b"sec-fetch-site", "") in _OF_NO_OTHER_PAGE
            and (origin is None or urlsplit(origin).netloc == host)
        )

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or name.endswith(".localhost")
