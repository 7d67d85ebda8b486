"""The faults of creating a task: refusals, and answers that get lost or spoilt."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from cutout.local.evolink import refusals
from cutout.local.evolink.clock import Clock
from cutout.local.evolink.faults import breaking
from cutout.local.evolink.faults.rules import Rule
from cutout.local.evolink.faults.table import Fault
from cutout.local.evolink.refusals import RefusalError

_SLOW_SECONDS = 20.0
_MODEL = "mj-v7-remove-bg"

_REFUSALS = {
    Fault.CREATE_400: refusals.invalid_request("Invalid request parameters"),
    Fault.CREATE_401: refusals.unauthorized(),
    Fault.CREATE_402: refusals.insufficient_quota(),
    Fault.CREATE_403: refusals.model_access_denied(_MODEL),
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
    Fault.CREATE_429: refusals.rate_limited(),
    Fault.CREATE_500: refusals.internal_error(),
    Fault.CREATE_CAPACITY_AS_400: refusals.invalid_request(
        "No available channel for this model, please try again later"
    ),
}
_PAGES = {Fault.CREATE_PAGE_403: 403, Fault.CREATE_502: 502, Fault.CREATE_503: 503}


async def refuse(request: Request, rule: Rule) -> Response | None:
    """Return the answer with which nothing is accepted, or None when the fault is another."""
    if (refusal := _REFUSALS.get(rule.kind)) is not None:
        return refusals.adapt(refusal, rule).response()
    if (status := _PAGES.get(rule.kind)) is not None:
        return breaking.page(status)
    if rule.kind is Fault.CREATE_INTEGER_CODE:
        return breaking.integer_dialect(rule.status or 503, rule.message)
    if rule.kind is Fault.CREATE_RESET:
        return await breaking.reset(request)
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
            return await breaking.hang(request)
        case Fault.CREATE_ACCEPT_RESET:
            return await breaking.reset(request)
        case _:
            return _replacing(rule, answer)


def _replacing(rule: Rule, answer: Mapping[str, object]) -> Response | None:
    match rule.kind:
        case Fault.CREATE_ACCEPT_500:
            return refusals.internal_error().response()
        case Fault.CREATE_ACCEPT_PAGE_403:
            return breaking.page(403)
        case Fault.CREATE_INVALID_JSON:
            return breaking.not_json()
        case Fault.CREATE_NO_ID:
            return breaking.without(answer, "id")
        case _:
            return None
