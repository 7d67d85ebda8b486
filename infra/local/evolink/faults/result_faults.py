"""The faults of serving results."""

import asyncio
import gzip
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from infra.local.evolink.clock import Clock
from infra.local.evolink.faults import broken_answers, connections, picture_faults
from infra.local.evolink.faults.fault_rules import Rule
from infra.local.evolink.faults.fault_table import Fault

_SLOW_SECONDS = 60.0
_DRIP_SECONDS = 1.0
_DRIP_BYTES = 100
_CHUNK = 64 * 1024
_DECLARED = 5 * 1024**3
_STREAMED = 1024**3
_MOVED = "moved"
_PRIVATE = "https://10.0.0.1/result.png"
_PLAIN = "http://media.evolink.invalid/result.png"

_VARIANTS = {
    Fault.RESULT_OPAQUE: picture_faults.opaque,
    Fault.RESULT_EMPTY: picture_faults.empty,
    Fault.RESULT_NO_ALPHA: picture_faults.without_alpha,
    Fault.RESULT_OTHER_SHAPE: picture_faults.of_other_shape,
    Fault.RESULT_OTHER_SIZE: picture_faults.of_other_size,
    Fault.RESULT_WEBP: picture_faults.as_webp,
    Fault.RESULT_BOMB: picture_faults.bomb,
    Fault.RESULT_CUT_SHORT: picture_faults.first_half,
    Fault.RESULT_NOT_IMAGE: picture_faults.nonsense,
    Fault.RESULT_NO_BYTES: picture_faults.nothing,
}
_ANSWERS = {
    Fault.RESULT_403: 403,
    Fault.RESULT_500: 500,
    Fault.RESULT_HTML: 200,
}
_MISSING = frozenset({Fault.RESULT_404, Fault.RESULT_EXPIRED})


class _Truncated(Response):
    """Half of the bytes the header promises, then the end of the connection."""

    def __init__(self, request: Request, content: bytes) -> None:
        super().__init__(content, media_type="image/png")
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's signature
        """Send the half."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        half = bytes(self.body)[: len(self.body) // 2]
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await connections.end(self._request)


async def spoil(request: Request, rule: Rule, picture: bytes, clock: Clock) -> Response | None:
    """Return what is answered instead of the picture, or None for the picture itself."""
    if (variant := _VARIANTS.get(rule.kind)) is not None:
        return Response(variant(picture), media_type="image/png")
    if rule.kind is Fault.RESULT_GZIP:
        headers = {"content-encoding": "gzip"}
        return Response(gzip.compress(picture), media_type="image/png", headers=headers)
    if (status := _ANSWERS.get(rule.kind)) is not None:
        return broken_answers.page(status)
    if rule.kind is Fault.RESULT_SLOW:
        await clock.wait(rule.seconds or _SLOW_SECONDS)
        return None
    return _absent(rule) or _redirect(request, rule) or _stream(request, rule, picture, clock)


def _absent(rule: Rule) -> Response | None:
    if rule.kind is Fault.RESULT_202:
        return Response(status_code=202)
    return broken_answers.no_such_key() if rule.kind in _MISSING else None


def _redirect(request: Request, rule: Rule) -> Response | None:
    match rule.kind:
        case Fault.RESULT_REDIRECT:
            there = request.url.include_query_params(**{_MOVED: 1})
            return None if _MOVED in request.query_params else RedirectResponse(there, 302)
        case Fault.RESULT_REDIRECT_LOOP:
            return RedirectResponse(request.url, 302)
        case Fault.RESULT_REDIRECT_PRIVATE:
            return RedirectResponse(rule.message or _PRIVATE, 302)
        case Fault.RESULT_REDIRECT_HTTP:
            return RedirectResponse(rule.message or _PLAIN, 302)
        case _:
            return None


def _stream(request: Request, rule: Rule, picture: bytes, clock: Clock) -> Response | None:
    match rule.kind:
        case Fault.RESULT_TRUNCATED:
            return _Truncated(request, picture)
        case Fault.RESULT_DECLARES_HUGE:
            headers = {"content-length": str(_DECLARED)}
            return StreamingResponse(_zeros(_DECLARED), headers=headers, media_type="image/png")
        case Fault.RESULT_STREAMS_HUGE:
            return StreamingResponse(_zeros(_STREAMED), media_type="image/png")
        case Fault.RESULT_DRIP:
            drops = _drops(picture, clock, rule.seconds or _DRIP_SECONDS)
            return StreamingResponse(drops, media_type="image/png")
        case _:
            return None


async def _zeros(count: int) -> AsyncIterator[bytes]:
    for _ in range(count // _CHUNK):
        yield bytes(_CHUNK)
        # A client that reads fast never makes the server wait, so nobody else would get a turn,
        # the news that the client has hung up included.
        await asyncio.sleep(0)


async def _drops(picture: bytes, clock: Clock, seconds: float) -> AsyncIterator[bytes]:
    for start in range(0, len(picture), _DRIP_BYTES):
        yield picture[start : start + _DRIP_BYTES]
        await clock.wait(seconds)
