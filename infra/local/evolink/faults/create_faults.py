"""Faults of requests to create a task."""

from starlette.responses import JSONResponse, Response

from infra.local.evolink.answers import error_responses
from infra.local.evolink.answers.error_responses import RefusalError
from infra.local.evolink.faults.broken_answers import (
    Exchange,
    broken_json,
    hang,
    integer_code,
    late,
    page,
    refused,
    reset,
)
from infra.local.evolink.faults.fault import Stage, declare

_CREATED = "The task is created and charged,"


def _without_id(exchange: Exchange) -> Response:
    document = exchange.document
    return JSONResponse({name: value for name, value in document.items() if name != "id"})


REFUSED_REQUESTS = declare(
    "create",
    Stage.CREATE,
    (
        "400",
        "Refused as an invalid request.",
        refused(error_responses.invalid_request("Invalid request parameters")),
    ),
    ("401", "Refused as if the key were unknown.", refused(error_responses.unauthorized())),
    ("402", "Refused as if the account were empty.", refused(error_responses.insufficient_quota())),
    (
        "403",
        "Refused as if the key lacked access to the model.",
        refused(error_responses.model_access_denied("mj-v7-remove-bg")),
    ),
    (
        "404",
        "Refused as if the path did not exist.",
        refused(RefusalError(404, "not_found", "Not found")),
    ),
    (
        "409",
        "Refused: the outcome of an earlier request with the same key is unknown.",
        refused(
            RefusalError(
                409, "paid_outcome_unknown", "An earlier request with this key is still undecided"
            )
        ),
    ),
    (
        "413",
        "Refused as too large.",
        refused(
            RefusalError(413, "request_too_large", "Request too large", "request_too_large_error")
        ),
    ),
    (
        "422",
        "Refused as unprocessable.",
        refused(RefusalError(422, "invalid_parameters", "Invalid parameters")),
    ),
    (
        "429",
        "Refused as too many requests; retry_after sets Retry-After.",
        refused(error_responses.rate_limited()),
    ),
    ("500", "Answered 500; no task is created.", refused(error_responses.internal_error())),
    ("502", "Answered 502 in HTML; no task is created.", page(502)),
    ("503", "Answered 503 in HTML; no task is created.", page(503)),
    ("403-page", "A CDN's page with status 403; no task is created.", page(403)),
    (
        "integer-code",
        "Refused in the second dialect: an integer code and a suggestion (status, default 503).",
        integer_code,
    ),
    (
        "capacity-as-400",
        "Refused with 400 although the message says that there is no capacity.",
        refused(
            error_responses.invalid_request(
                "No available channel for this model, please try again later"
            )
        ),
    ),
    ("reset-before-accept", "The connection is reset; no task is created.", reset),
)
"""No task is created."""

LOST_ANSWERS = declare(
    "create",
    Stage.CREATE,
    ("slow", "The task is created and the answer comes late (seconds, default 20).", late(20.0)),
    ("accept-then-timeout", f"{_CREATED} and the answer never comes.", hang),
    ("accept-then-reset", f"{_CREATED} and the connection is reset.", reset),
    (
        "accept-then-500",
        f"{_CREATED} and the answer is 500.",
        refused(error_responses.internal_error()),
    ),
    ("accept-then-403-page", f"{_CREATED} and a proxy's page replaces the answer.", page(403)),
    ("invalid-json", f"{_CREATED} and the 200 is not valid JSON.", broken_json),
    ("no-id", f"{_CREATED} and the 200 contains no id.", _without_id),
)
"""The task is created and charged; its answer is late, lost or broken."""
