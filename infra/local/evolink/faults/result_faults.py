"""Faults of downloads of a result."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

from starlette.responses import RedirectResponse, Response, StreamingResponse

from infra.local.evolink.faults import picture_faults
from infra.local.evolink.faults.broken_answers import Effect, Exchange, late, missing, page
from infra.local.evolink.faults.connections import Truncated
from infra.local.evolink.faults.fault import Stage, declare

_DRIP_SECONDS = 1.0
_DRIP_BYTES = 100
_CHUNK = 64 * 1024
_DECLARED = 5 * 1024**3
_STREAMED = 1024**3
_MOVED = "moved"
_PNG = "image/png"


def _picture(change: Callable[[bytes], bytes]) -> Effect:
    return lambda exchange: Response(change(bytes(exchange.answer.body)), media_type=_PNG)


def _accepted(_exchange: Exchange) -> Response:
    return Response(status_code=202)


def _compressed(exchange: Exchange) -> Response:
    headers = {"content-encoding": "gzip"}
    return Response(gzip.compress(exchange.answer.body), media_type=_PNG, headers=headers)


def _truncated(exchange: Exchange) -> Response:
    return Truncated(exchange.answer.body, media_type=_PNG)


def _moved_once(exchange: Exchange) -> Response:
    request = exchange.request
    if _MOVED in request.query_params:
        return exchange.answer
    return RedirectResponse(request.url.include_query_params(**{_MOVED: 1}), 302)


def _redirected_to_itself(exchange: Exchange) -> Response:
    return RedirectResponse(exchange.request.url, 302)


def _redirected(url: str) -> Effect:
    return lambda exchange: RedirectResponse(exchange.rule.message or url, 302)


def _declared_huge(_exchange: Exchange) -> Response:
    headers = {"content-length": str(_DECLARED)}
    return StreamingResponse(_zeros(_DECLARED), headers=headers, media_type=_PNG)


def _streamed_huge(_exchange: Exchange) -> Response:
    return StreamingResponse(_zeros(_STREAMED), media_type=_PNG)


def _dripping(exchange: Exchange) -> Response:
    return StreamingResponse(_drops(exchange), media_type=_PNG)


async def _zeros(count: int) -> AsyncIterator[bytes]:
    for _ in range(count // _CHUNK):
        yield bytes(_CHUNK)
        # A client that reads fast never makes the server wait. Without a pause no other coroutine
        # would run, not even the one that notices that the client has disconnected.
        await asyncio.sleep(0)


async def _drops(exchange: Exchange) -> AsyncIterator[bytes]:
    picture = bytes(exchange.answer.body)
    for start in range(0, len(picture), _DRIP_BYTES):
        yield picture[start : start + _DRIP_BYTES]
        await exchange.clock.wait(exchange.rule.seconds or _DRIP_SECONDS)


RESULT_FAULTS = declare(
    "result",
    Stage.RESULT,
    ("403", "The link is forbidden.", page(403)),
    ("404", "The link is not found.", missing),
    ("expired", "The link is answered as after its 24 hours.", missing),
    ("500", "The media host answers 500.", page(500)),
    ("html", "A 200 with an HTML error page.", page(200)),
    (
        "truncated",
        "The connection ends after half of the bytes that the header promised.",
        _truncated,
    ),
    (
        "cut-short",
        "Half of the picture, with a matching header.",
        _picture(picture_faults.first_half),
    ),
    ("redirect", "A redirect to the same picture, as a media host may send.", _moved_once),
    ("redirect-loop", "A redirect to itself.", _redirected_to_itself),
    (
        "redirect-private",
        "A redirect to a private address (message, default https://10.0.0.1/).",
        _redirected("https://10.0.0.1/result.png"),
    ),
    (
        "redirect-http",
        "A redirect to plain http on a public name.",
        _redirected("http://media.evolink.invalid/result.png"),
    ),
    ("declares-huge", "The header promises five gigabytes.", _declared_huge),
    (
        "streams-huge",
        "Bytes without a declared length and without an end (up to 1 GiB).",
        _streamed_huge,
    ),
    ("bomb", "A small PNG of 30000x30000 pixels.", _picture(picture_faults.bomb)),
    ("opaque", "A PNG without any transparency.", _picture(picture_faults.opaque)),
    ("empty", "A PNG that is transparent everywhere.", _picture(picture_faults.empty)),
    ("no-alpha", "A PNG without an alpha channel.", _picture(picture_faults.without_alpha)),
    (
        "other-shape",
        "A cut-out of another aspect ratio.",
        _picture(picture_faults.of_other_shape),
    ),
    (
        "other-size",
        "A cut-out of half the size and the same aspect ratio.",
        _picture(picture_faults.of_other_size),
    ),
    ("webp", "A WebP with alpha under the .png name.", _picture(picture_faults.as_webp)),
    ("not-image", "Bytes that are not a picture.", _picture(picture_faults.noise)),
    ("no-bytes", "A 200 with an empty body.", _picture(picture_faults.nothing)),
    ("202", "A 202 with an empty body.", _accepted),
    ("gzip", "The picture compressed, although the client did not ask for it.", _compressed),
    ("slow", "The answer starts late (seconds, default 60).", late(60.0)),
    (
        "drip",
        "A hundred bytes at a time with a pause between (seconds, default 1).",
        _dripping,
    ),
)
