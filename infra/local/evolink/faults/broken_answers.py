"""Effects of the faults that change an answer, as several routes share them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from infra.local.evolink.answers.error_responses import RefusalError, no_such_key
from infra.local.evolink.faults.connections import Delayed, Hang, Reset
from infra.local.evolink.faults.fault import Fault
from infra.local.evolink.faults.rule import Rule
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


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request that is about to be answered.

    Attributes:
        request: The request.
        rule: The rule that chose the fault.
        clock: The stand-in's time.
        answer: The answer without the fault; empty where the fault prevents the work itself.
    """

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


def refused(refusal: RefusalError) -> Effect:
    """Answer with an error; the rule may choose code, message and Retry-After."""

    def effect(exchange: Exchange) -> Response:
        rule = exchange.rule
        return refusal.response(code=rule.code, message=rule.message, retry_after=rule.retry_after)

    return effect


def page(status: int) -> Effect:
    """Answer with the HTML page of a proxy."""
    content = _PAGE.format(status=status, phrase=HTTPStatus(status).phrase)
    return lambda _exchange: HTMLResponse(content, status_code=status)


def reset(_exchange: Exchange) -> Response:
    """Reset the connection."""
    return Reset()


def hang(_exchange: Exchange) -> Response:
    """Leave the client waiting until it gives up."""
    return Hang()


def missing(_exchange: Exchange) -> Response:
    """Answer that the object does not exist."""
    return no_such_key()


def late(seconds: float) -> Effect:
    """Give the right answer after the rule's seconds, or after these."""
    return lambda exchange: Delayed(
        exchange.answer, exchange.clock, exchange.rule.seconds or seconds
    )


def broken_json(_exchange: Exchange) -> Response:
    """Answer 200 and JSON that breaks off."""
    return Response(b'{"created":17571650', media_type="application/json")


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
