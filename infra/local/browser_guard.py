"""Servers on loopback serve programs of this machine; they refuse web pages in its browser.

A page can send requests to loopback ports, with a form or a script. A page that points its own host
name at 127.0.0.1 (DNS rebinding) can read the answers, too. Browsers send the origin of a request
(Origin, Sec-Fetch-Site) and its host name (Host) in headers that a script cannot change.
https://fetch.spec.whatwg.org/#origin-header https://www.w3.org/TR/fetch-metadata/
"""

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Scope

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_ALLOWED_SITES = frozenset({"", "none", "same-origin"})


class ProgramsOnly:
    """An ASGI application that answers programs of this machine only; `closed` paths to nobody."""

    def __init__(self, app: ASGIApp, *, closed: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._closed = closed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - Hypercorn has other types
        """Pass an allowed request to the application; answer others 403."""
        if scope["type"] == "lifespan" or self._is_allowed(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = Response(status_code=403, headers={"cache-control": "no-store"})
            await refusal(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        origin = headers.get(b"origin")
        return (
            scope["path"] not in self._closed
            # A page whose host name points to 127.0.0.1 sends that name here.
            and self._is_own_name(host)
            and headers.get(b"sec-fetch-site", "") in _ALLOWED_SITES
            and (origin is None or urlsplit(origin).netloc == host)
        )

    def _is_own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        # Resolvers and browsers keep these names on the machine (RFC 6761, 6.3).
        return name in _LOOPBACK_NAMES or name.endswith(".localhost")
