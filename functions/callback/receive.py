"""ReceiveCallback's handler: the one endpoint that is open to the world."""

from __future__ import annotations

import base64
from typing import Any

from cutout.domain.errors import CallbackRefusedError
from cutout.usecases.callback.receive_callback import MAX_BODY_BYTES, ReceiveCallback
from cutout.wiring.callback_function import build
from cutout.wiring.lambda_app import Event, LambdaApp


def answer(receive_callback: ReceiveCallback, event: Event) -> dict[str, Any]:
    """202 for an authentic callback; 403, 404, 405 or 413 for anything else, at once."""
    status = _status(receive_callback, event)
    return {"statusCode": status, "headers": {"Cache-Control": "no-store"}}


def _status(receive_callback: ReceiveCallback, request: Event) -> int:
    if request["requestContext"]["http"]["method"] != "POST":
        return 405
    body = _body(request)
    if len(body) > MAX_BODY_BYTES:
        return 413
    try:
        text = body.decode(errors="replace")
        receive_callback.receive((request.get("pathParameters") or {}).get("token", ""), text)
    except CallbackRefusedError as exc:
        return 404 if exc.is_malformed else 403
    return 202


def _body(request: Event) -> bytes:
    """The body's bytes. One that cannot be decoded counts as empty: the URL is enough."""
    body = (request.get("body") or "").encode()
    if not request.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body)
    except ValueError:
        return b""


app = LambdaApp(build)
handler = app.on_event(answer)
