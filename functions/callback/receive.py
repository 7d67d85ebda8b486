"""ReceiveCallback's handler: the one door to the world."""

from __future__ import annotations

import base64
import os
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from cutout.adapters.telemetry_powertools import (
    PowertoolsTelemetry,
    json_logger,
    metrics_of_all,
)
from cutout.domain.errors import CallbackRefusedError
from cutout.usecases.callback.receive_callback import MAX_BODY_BYTES, ReceiveCallback
from cutout.wiring.receive import build

logger = json_logger()
metrics = metrics_of_all()


@cache
def _app() -> ReceiveCallback:
    metrics.set_default_dimensions(stack=os.environ["CUTOUT_STACK"])
    return build(os.environ, PowertoolsTelemetry(logger, metrics))


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """202 for an authentic callback; 403, 404, 405 or 413 for anything else, at once."""
    request = APIGatewayProxyEventV2(event)
    return {"statusCode": _answer(request), "headers": {"Cache-Control": "no-store"}}


def _answer(request: APIGatewayProxyEventV2) -> int:
    if request.http_method != "POST":
        return 405
    body = _body(request)
    if len(body) > MAX_BODY_BYTES:
        return 413
    try:
        text = body.decode(errors="replace")
        _app().receive((request.path_parameters or {}).get("token", ""), text)
    except CallbackRefusedError as exc:
        return 404 if exc.is_malformed else 403
    return 202


def _body(request: APIGatewayProxyEventV2) -> bytes:
    """The body's bytes; what cannot be decoded is no body, and the URL alone counts."""
    body = (request.body or "").encode()
    if not request.is_base64_encoded:
        return body
    try:
        return base64.b64decode(body)
    except ValueError:
        return b""


# Lambda runs imports with a whole processor and handlers with a share of one: what can be made
# before the first event is made here. Anywhere else, importing this module makes nothing.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _app()
