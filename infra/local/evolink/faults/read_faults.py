"""The faults of reading a task."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.local.evolink.api import error_responses
from infra.local.evolink.api.error_responses import RefusalError
from infra.local.evolink.faults import broken_answers
from infra.local.evolink.faults.fault_rules import Rule
from infra.local.evolink.faults.fault_table import Fault

_REFUSALS = {
    Fault.READ_401: error_responses.unauthorized(),
    Fault.READ_402: RefusalError(402, "quota_exceeded", "Quota exceeded", "insufficient_quota"),
    Fault.READ_403: RefusalError(
        403, "permission_denied", "No permission to access this task", "invalid_request_error"
    ),
    Fault.READ_404: error_responses.task_not_found(),
    Fault.READ_EXPIRED: RefusalError(
        404, "resource_not_found", "The task has expired", "invalid_request_error"
    ),
    Fault.READ_429: RefusalError(429, "rate_limit_exceeded", "Too many requests", "evo_api_error"),
    Fault.READ_500: error_responses.internal_error(),
}


async def break_read(request: Request, rule: Rule, body: dict[str, object]) -> Response | None:
    """Return what is answered instead of the task, or None for the task itself."""
    if (refusal := _REFUSALS.get(rule.kind)) is not None:
        return error_responses.adapt(refusal, rule).response()
    if (spoilt := _spoilt(rule, body)) is not None:
        return spoilt
    match rule.kind:
        case Fault.READ_RESET:
            return await broken_answers.reset(request)
        case Fault.READ_TIMEOUT:
            return await broken_answers.hang(request)
        case _:
            return None


def _spoilt(rule: Rule, body: dict[str, object]) -> Response | None:
    match rule.kind:
        case Fault.READ_502:
            broken = broken_answers.page(502)
        case Fault.READ_INVALID_JSON:
            broken = broken_answers.not_json()
        case Fault.READ_WRAPPED:
            broken = JSONResponse({"data": body})
        case Fault.READ_OTHER_TASK:
            broken = JSONResponse(body | {"id": f"{body['id']}-other"})
        case Fault.READ_LOOSE:
            broken = broken_answers.loosely(body)
        case _:
            return None
    return broken
