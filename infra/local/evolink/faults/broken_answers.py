"""Ways to break an answer that several routes share."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from infra.local.evolink.faults import connections

_PAGE = """<html><head><title>{status} {phrase}</title></head>
<body><center><h1>{status} {phrase}</h1></center><hr><center>cloudflare</center></body></html>
"""


class Silence(Response):
    """No answer at all; the connection has gone already."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""


async def reset(request: Request) -> Response:
    """Reset the connection."""
    await connections.reset(request)
    return Silence()


async def hang(request: Request) -> Response:
    """Leave the client waiting until it gives up."""
    await connections.until_gone(request)
    return Silence()


def page(status: int) -> Response:
    """Answer with the HTML page of a proxy."""
    return HTMLResponse(
        _PAGE.format(status=status, phrase=HTTPStatus(status).phrase), status_code=status
    )


def not_json() -> Response:
    """Answer 200 and JSON that breaks off."""
    return Response(b'{"created":17571650', media_type="application/json")


def integer_dialect(status: int, message: str | None) -> Response:
    """Answer an error in the second documented dialect: the code is the status."""
    kinds = {
        402: "insufficient_quota_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large_error",
        429: "rate_limit_error",
        500: "internal_server_error",
        502: "upstream_error",
        503: "service_unavailable_error",
    }
    error = {
        "code": status,
        "message": message or HTTPStatus(status).phrase,
        "type": kinds.get(status, "invalid_request_error"),
        "fallback_suggestion": "retry after 30 seconds",
    }
    return JSONResponse({"error": error}, status_code=status)


def loosely(task: Mapping[str, object]) -> Response:
    """Answer with a task as no page describes it, and as a client can still read it."""
    results = task.get("results")
    link = {"results": results[0]} if isinstance(results, list) and results else {}
    loose = {**task, "status": str(task["status"]).upper(), **link}
    return Response(json.dumps(loose), media_type="text/plain")


def without(document: Mapping[str, object], name: str) -> Response:
    """Answer 200 and the document without one of its members."""
    return JSONResponse({key: value for key, value in document.items() if key != name})


def no_such_key() -> Response:
    """Answer as an object store does for what is not there, or is no longer."""
    return Response(
        '<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code></Error>',
        status_code=HTTPStatus.NOT_FOUND,
        media_type="application/xml",
    )
