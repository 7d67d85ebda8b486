"""Faults of the answers to requests."""

from starlette.responses import Response

from infra.local.evolink import refusals
from infra.local.evolink.faults.broken_answers import (
    broken_json,
    changed,
    compressed,
    endless,
    hang,
    integer_code,
    late,
    loose,
    moved_once,
    page,
    picture,
    redirected,
    refused,
    reset,
    truncated,
)
from infra.local.evolink.faults.fault import Stage, declare
from infra.local.evolink.faults.wrong_pictures import as_webp, bomb, noise, redrawn, with_alpha
from infra.local.evolink.refusals import Refusal, invalid_request, no_such_key

_CREATED = "The task is created and charged,"
_UNDECIDED = "An earlier request with this key is still undecided"

REFUSED_REQUESTS = declare(
    "create",
    Stage.CREATE,
    (
        "400",
        "Refused as an invalid request.",
        refused(invalid_request("Invalid request parameters")),
    ),
    ("402", "Refused as if the account were empty.", refused(refusals.INSUFFICIENT_QUOTA)),
    ("404", "Refused as if the path did not exist.", refused(refusals.NOT_FOUND)),
    (
        "409",
        "Refused: the outcome of an earlier request with the same key is unknown.",
        refused(Refusal(409, "paid_outcome_unknown", _UNDECIDED)),
    ),
    (
        "413",
        "Refused as too large.",
        refused(Refusal(413, "request_too_large", "Request too large", "request_too_large_error")),
    ),
    (
        "422",
        "Refused as unprocessable.",
        refused(Refusal(422, "invalid_parameters", "Invalid parameters")),
    ),
    (
        "429",
        "Refused as too many requests; retry_after sets Retry-After.",
        refused(refusals.RATE_LIMITED),
    ),
    ("500", "Answered 500; no task is created.", refused(refusals.INTERNAL_ERROR)),
    ("502", "Answered 502 in HTML; no task is created.", page(502)),
    ("503", "Answered 503 in HTML; no task is created.", page(503)),
    ("403-page", "A CDN's page with status 403; no task is created.", page(403)),
    (
        "integer-code",
        "Refused in the second dialect: an integer code and a suggestion (status, default 503).",
        integer_code,
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
    ("accept-then-500", f"{_CREATED} and the answer is 500.", refused(refusals.INTERNAL_ERROR)),
    ("accept-then-403-page", f"{_CREATED} and a proxy's page replaces the answer.", page(403)),
    ("invalid-json", f"{_CREATED} and the 200 is not valid JSON.", broken_json),
    (
        "no-id",
        f"{_CREATED} and the 200 contains no id.",
        changed(lambda task: {name: task[name] for name in task if name != "id"}),
    ),
)
"""The task is created and charged; its answer is late, lost or broken."""

READ_FAULTS = declare(
    "task",
    Stage.READ,
    ("401-on-read", "The read is refused: unknown key.", refused(refusals.UNAUTHORIZED)),
    (
        "402-on-read",
        "The read is refused: quota_exceeded.",
        refused(Refusal(402, "quota_exceeded", "Quota exceeded", "insufficient_quota")),
    ),
    (
        "403-on-read",
        "The read is refused: the task belongs to another account.",
        refused(Refusal(403, "permission_denied", "No permission to access this task")),
    ),
    ("404-on-read", "The task is not found.", refused(refusals.TASK_NOT_FOUND)),
    (
        "429-on-read",
        "The read is refused as too many requests.",
        refused(Refusal(429, "rate_limit_exceeded", "Too many requests", "evo_api_error")),
    ),
    ("500-on-read", "The read is answered 500.", refused(refusals.INTERNAL_ERROR)),
    ("502-on-read", "The read is answered 502 in HTML.", page(502)),
    ("invalid-json-on-read", "The 200 is not valid JSON.", broken_json),
    (
        "wrapped-on-read",
        "The task is inside a data member.",
        changed(lambda task: {"data": task}),
    ),
    (
        "other-task-on-read",
        "The 200 is about another task.",
        changed(lambda task: {**task, "id": f"{task['id']}-other"}),
    ),
    (
        "loose-on-read",
        "The status is in capitals, results is one link, the Content-Type is text.",
        loose,
    ),
    ("reset-on-read", "The connection is reset.", reset),
    ("timeout-on-read", "The answer never comes.", hang),
)

RESULT_FAULTS = declare(
    "result",
    Stage.RESULT,
    ("403", "The link is forbidden.", page(403)),
    ("404", "The link is not found.", lambda _: no_such_key()),
    ("500", "The media host answers 500.", page(500)),
    ("html", "A 200 with an HTML error page.", page(200)),
    (
        "truncated",
        "The connection ends after half of the bytes that the header promised.",
        truncated,
    ),
    (
        "cut-short",
        "Half of the picture, with a matching header.",
        picture(lambda cut_out: cut_out[: len(cut_out) // 2]),
    ),
    ("redirect", "A redirect to the same picture, as a media host may send.", moved_once),
    ("redirect-loop", "A redirect to itself.", redirected()),
    (
        "redirect-private",
        "A redirect to a private address (message, default https://10.0.0.1/).",
        redirected("https://10.0.0.1/result.png"),
    ),
    (
        "redirect-http",
        "A redirect to plain http on a public name.",
        redirected("http://media.evolink.invalid/result.png"),
    ),
    (
        "streams-huge",
        "Bytes without a declared length and without an end (up to 1 GiB).",
        endless,
    ),
    ("bomb", "A small PNG of 30000x30000 pixels.", picture(lambda _cut_out: bomb())),
    ("opaque", "A PNG without any transparency.", picture(with_alpha(255))),
    ("empty", "A PNG that is transparent everywhere.", picture(with_alpha(0))),
    ("no-alpha", "A PNG without an alpha channel.", picture(redrawn(lambda it: it.convert("RGB")))),
    (
        "other-shape",
        "A cut-out of another aspect ratio.",
        picture(redrawn(lambda it: it.resize((it.width, max(1, it.height // 2))))),
    ),
    (
        "other-size",
        "A cut-out of half the size and the same aspect ratio.",
        picture(redrawn(lambda it: it.reduce(2))),
    ),
    ("webp", "A WebP with alpha under the .png name.", picture(as_webp)),
    ("not-image", "Bytes that are not a picture.", picture(noise)),
    ("no-bytes", "A 200 with an empty body.", picture(lambda _cut_out: b"")),
    ("202", "A 202 with an empty body.", lambda _: Response(status_code=202)),
    ("gzip", "The picture compressed, although the client did not ask for it.", compressed),
    ("slow", "The answer starts late (seconds, default 60).", late(60.0)),
)
