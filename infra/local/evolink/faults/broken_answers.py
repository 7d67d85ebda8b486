"""Effects of faults that change an answer, or break its connection.

An HTTP server is made not to break connections, so these answers use the transport below it.
"""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.local.evolink.faults.fault import Fault, Rule
from infra.local.evolink.refusals import Refusal
from infra.local.evolink.standin_clock import Clock

_PAGE = """<html><head><title>{status} {phrase}</title></head>
<body><center><h1>{status} {phrase}</h1></center><hr><center>cloudflare</center></body></html>
"""
_TYPES_BY_STATUS = {
    402: "insufficient_quota_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large_error",
    429: "rate_limit_error",
    500: "internal_server_error",
    502: "upstream_error",
    503: "service_unavailable_error",
}
_PNG = "image/png"
_CHUNK = 64 * 1024
_MOVED = "moved"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request, the rule of its fault, and the answer without it: empty if no work is done."""

    request: Request
    rule: Rule
    clock: Clock
    answer: Response = field(default_factory=Response)

    @property
    def document(self) -> Mapping[str, object]:
        """The answer's body as JSON."""
        return cast("dict[str, object]", json.loads(bytes(self.answer.body)))


Effect = Callable[[Exchange], Response]
Faults = Mapping[str, Fault[Effect]]


class BreakableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which shows a handler the transport of its request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport into the state that every request of the connection carries."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Hang(Response):
    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        await _until_disconnected(receive)


class _Reset(Response):
    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        # With SO_LINGER at 0 seconds, closing a socket sends RST instead of FIN (socket(7)).
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
        await _until_disconnected(receive)


class _Truncated(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        half = bytes(self.body)[: len(self.body) // 2]
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport: asyncio.Transport = scope["state"]["transport"]
        # More was announced, so the client sees an incomplete body, not a short one.
        transport.close()
        await _until_disconnected(receive)


class _Late(Response):
    def __init__(self, exchange: Exchange, seconds: float) -> None:
        super().__init__(status_code=exchange.answer.status_code)
        self._exchange = exchange
        self._seconds = exchange.rule.seconds or seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._exchange.clock.wait(self._seconds)
        await self._exchange.answer(scope, receive, send)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def hang(_exchange: Exchange) -> Response:
    """Leave the client waiting until it gives up."""
    return _Hang()


def reset(_exchange: Exchange) -> Response:
    """Reset the connection: the client reads no further byte and no end of file."""
    return _Reset()


def truncated(exchange: Exchange) -> Response:
    """Send half of the bytes that the header promises, then end the connection."""
    return _Truncated(exchange.answer.body, media_type=_PNG)


def late(seconds: float) -> Effect:
    """Give the right answer after the rule's seconds, or after these."""
    return lambda exchange: _Late(exchange, seconds)


def refused(refusal: Refusal) -> Effect:
    """Answer with an error; the rule may choose code, message and Retry-After."""

    def effect(exchange: Exchange) -> Response:
        rule = exchange.rule
        return refusal.response(code=rule.code, message=rule.message, retry_after=rule.retry_after)

    return effect


def integer_code(exchange: Exchange) -> Response:
    """Answer an error in the second documented dialect: the code is the status."""
    status = exchange.rule.status or HTTPStatus.SERVICE_UNAVAILABLE.value
    error = {
        "code": status,
        "message": exchange.rule.message or HTTPStatus(status).phrase,
        "type": _TYPES_BY_STATUS.get(status, "invalid_request_error"),
        "fallback_suggestion": "retry after 30 seconds",
    }
    return JSONResponse({"error": error}, status_code=status)


def page(status: int) -> Effect:
    """Answer with the HTML page of a proxy."""
    content = _PAGE.format(status=status, phrase=HTTPStatus(status).phrase)
    return lambda _exchange: HTMLResponse(content, status_code=status)


def broken_json(_exchange: Exchange) -> Response:
    """Answer 200 and JSON that breaks off."""
    return Response(b'{"created":17571650', media_type="application/json")


def changed(change: Callable[[Mapping[str, object]], Mapping[str, object]]) -> Effect:
    """Answer with another JSON document, which is made from the right one."""
    return lambda exchange: JSONResponse(change(exchange.document))


def loose(exchange: Exchange) -> Response:
    """Answer with a task as a careless server would write it."""
    task = exchange.document
    results = task.get("results")
    link = {"results": results[0]} if isinstance(results, list) and results else {}
    document = {**task, "status": str(task["status"]).upper(), **link}
    return Response(json.dumps(document), media_type="text/plain")


def picture(change: Callable[[bytes], bytes]) -> Effect:
    """Answer with another picture, which is made from the right one."""
    return lambda exchange: Response(change(bytes(exchange.answer.body)), media_type=_PNG)


def compressed(exchange: Exchange) -> Response:
    """Compress the answer, whatever the client accepts."""
    headers = {"content-encoding": "gzip"}
    return Response(gzip.compress(exchange.answer.body), media_type=_PNG, headers=headers)


def moved_once(exchange: Exchange) -> Response:
    """Redirect to the right answer."""
    request = exchange.request
    if _MOVED in request.query_params:
        return exchange.answer
    return RedirectResponse(request.url.include_query_params(**{_MOVED: 1}), 302)


def redirected(url: str | None = None) -> Effect:
    """Redirect to the rule's message or this URL; to the request itself without one."""
    return lambda exchange: RedirectResponse(
        exchange.rule.message or url or str(exchange.request.url), 302
    )


def endless(_exchange: Exchange) -> Response:
    """Answer with a GiB of zeros, whose number no header declares."""
    return StreamingResponse(_zeros(), media_type=_PNG)


async def _zeros() -> AsyncIterator[bytes]:
    for _ in range(1024**3 // _CHUNK):
        yield bytes(_CHUNK)
        # A client that reads fast never makes the server wait. Without a pause no other coroutine
        # would run, not even the one that notices that the client has disconnected.
        await asyncio.sleep(0)
