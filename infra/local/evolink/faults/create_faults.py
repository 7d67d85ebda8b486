"""The faults of creating a task: refusals, and answers that get lost or spoilt."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from infra.local.evolink.api import error_responses
from infra.local.evolink.api.error_responses import RefusalError
from infra.local.evolink.clock import Clock
from infra.local.evolink.faults import broken_answers
from infra.local.evolink.faults.fault_rules import Rule
from infra.local.evolink.faults.fault_table import Fault

_SLOW_SECONDS = 20.0
_MODEL = "mj-v7-remove-bg"

_REFUSALS = {
    Fault.CREATE_400: error_responses.invalid_request("Invalid request parameters"),
    Fault.CREATE_401: error_responses.unauthorized(),
    Fault.CREATE_402: error_responses.insufficient_quota(),
    Fault.CREATE_403: error_responses.model_access_denied(_MODEL),
    Fault.CREATE_404: RefusalError(404, "not_found", "Not found", "invalid_request_error"),
    Fault.CREATE_409: RefusalError(
        409,
        "paid_outcome_unknown",
        "An earlier request with this key is still undecided",
        "invalid_request_error",
    ),
    Fault.CREATE_413: RefusalError(
        413, "request_too_large", "Request too large", "request_too_large_error"
    ),
    Fault.CREATE_422: RefusalError(
        422, "invalid_parameters", "Invalid parameters", "invalid_request_error"
    ),
    Fault.CREATE_429: error_responses.rate_limited(),
    Fault.CREATE_500: error_responses.internal_error(),
    Fault.CREATE_CAPACITY_AS_400: error_responses.invalid_request(
        "No available channel for this model, please try again later"
    ),
}
_PAGES = {Fault.CREATE_PAGE_403: 403, Fault.CREATE_502: 502, Fault.CREATE_503: 503}


async def refuse(request: Request, rule: Rule) -> Response | None:
    """Return the answer with which nothing is accepted, or None when the fault is another."""
    if (refusal := _REFUSALS.get(rule.kind)) is not None:
        return error_responses.adapt(refusal, rule).response()
    if (status := _PAGES.get(rule.kind)) is not None:
        return broken_answers.page(status)
    if rule.kind is Fault.CREATE_INTEGER_CODE:
        return broken_answers.integer_dialect(rule.status or 503, rule.message)
    if rule.kind is Fault.CREATE_RESET:
        return await broken_answers.reset(request)
    return None


async def spoil(
    request: Request, rule: Rule, answer: Mapping[str, object], clock: Clock
) -> Response | None:
    """Return what is answered instead of the accepted task, or None for the task itself."""
    if rule.kind is Fault.CREATE_SLOW:
        await clock.wait(rule.seconds or _SLOW_SECONDS)
        return None
    return await _lose(request, rule, answer)


async def _lose(request: Request, rule: Rule, answer: Mapping[str, object]) -> Response | None:
    match rule.kind:
        case Fault.CREATE_ACCEPT_TIMEOUT:
            return await broken_answers.hang(request)
        case Fault.CREATE_ACCEPT_RESET:
            return await broken_answers.reset(request)
        case _:
            return _replacing(rule, answer)


def _replacing(rule: Rule, answer: Mapping[str, object]) -> Response | None:
    match rule.kind:
        case Fault.CREATE_ACCEPT_500:
            return error_responses.internal_error().response()
        case Fault.CREATE_ACCEPT_PAGE_403:
            return broken_answers.page(403)
        case Fault.CREATE_INVALID_JSON:
            return broken_answers.not_json()
        case Fault.CREATE_NO_ID:
            return broken_answers.without(answer, "id")
        case _:
            return None
