"""The faults of the Files API."""

from starlette.requests import Request
from starlette.responses import Response

from infra.local.evolink.faults import broken_answers
from infra.local.evolink.faults.fault_rules import Rule
from infra.local.evolink.faults.fault_table import Fault
from infra.local.evolink.files import file_errors

_REFUSALS = {
    Fault.FILES_TOO_LARGE: file_errors.too_large,
    Fault.FILES_TYPE: file_errors.unsupported_type,
    Fault.FILES_QUOTA: file_errors.quota_used_up,
    Fault.FILES_STORAGE: file_errors.storage_failed,
    Fault.FILES_401: file_errors.unauthorized,
    Fault.FILES_429: file_errors.rate_limited,
}


async def break_upload(request: Request, rule: Rule) -> Response:
    """Break an upload as the rule says; nothing is kept of it.

    Raises:
        FilesRefusalError: The fault is a refusal.
    """
    if (refusal := _REFUSALS.get(rule.kind)) is not None:
        raise refusal()
    match rule.kind:
        case Fault.FILES_FETCH:
            raise file_errors.not_fetchable("HTTP 403")
        case Fault.FILES_502:
            return broken_answers.page(502)
        case Fault.FILES_RESET:
            return await broken_answers.reset(request)
        case _:
            return await broken_answers.hang(request)
