"""Faults of reads of a task."""

import json

from starlette.responses import JSONResponse, Response

from infra.local.evolink.answers import error_responses
from infra.local.evolink.answers.error_responses import RefusalError
from infra.local.evolink.faults.broken_answers import (
    Exchange,
    broken_json,
    hang,
    page,
    refused,
    reset,
)
from infra.local.evolink.faults.fault import Stage, declare


def _wrapped(exchange: Exchange) -> Response:
    return JSONResponse({"data": exchange.document})


def _of_other_task(exchange: Exchange) -> Response:
    task = exchange.document
    return JSONResponse({**task, "id": f"{task['id']}-other"})


def _loose(exchange: Exchange) -> Response:
    task = exchange.document
    results = task.get("results")
    link = {"results": results[0]} if isinstance(results, list) and results else {}
    loose = {**task, "status": str(task["status"]).upper(), **link}
    return Response(json.dumps(loose), media_type="text/plain")


READ_FAULTS = declare(
    "task",
    Stage.READ,
    ("401-on-read", "The read is refused: unknown key.", refused(error_responses.unauthorized())),
    (
        "402-on-read",
        "The read is refused: quota_exceeded.",
        refused(RefusalError(402, "quota_exceeded", "Quota exceeded", "insufficient_quota")),
    ),
    (
        "403-on-read",
        "The read is refused: the task belongs to another account.",
        refused(RefusalError(403, "permission_denied", "No permission to access this task")),
    ),
    ("404-on-read", "The task is not found.", refused(error_responses.task_not_found())),
    (
        "expired-on-read",
        "The task's record has expired.",
        refused(RefusalError(404, "resource_not_found", "The task has expired")),
    ),
    (
        "429-on-read",
        "The read is refused as too many requests.",
        refused(RefusalError(429, "rate_limit_exceeded", "Too many requests", "evo_api_error")),
    ),
    ("500-on-read", "The read is answered 500.", refused(error_responses.internal_error())),
    ("502-on-read", "The read is answered 502 in HTML.", page(502)),
    ("invalid-json-on-read", "The 200 is not valid JSON.", broken_json),
    ("wrapped-on-read", "The task is inside a data member.", _wrapped),
    ("other-task-on-read", "The 200 is about another task.", _of_other_task),
    (
        "loose-on-read",
        "The status is in capitals, results is one link, the Content-Type is text.",
        _loose,
    ),
    ("reset-on-read", "The connection is reset.", reset),
    ("timeout-on-read", "The answer never comes.", hang),
)
