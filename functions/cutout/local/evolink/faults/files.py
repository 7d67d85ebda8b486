"""The faults of the Files API."""

from starlette.requests import Request
from starlette.responses import Response

from cutout.local.evolink.faults import breaking
from cutout.local.evolink.faults.rules import Rule
from cutout.local.evolink.faults.table import Fault
from cutout.local.evolink.files import refusals

_REFUSALS = {
    Fault.FILES_TOO_LARGE: refusals.too_large,
    Fault.FILES_TYPE: refusals.unsupported_type,
    Fault.FILES_QUOTA: refusals.quota_used_up,
    Fault.FILES_STORAGE: refusals.storage_failed,
    Fault.FILES_401: refusals.unauthorized,
    Fault.FILES_429: refusals.rate_limited,
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
            raise refusals.not_fetchable("HTTP 403")
        case Fault.FILES_502:
            return breaking.page(502)
        case Fault.FILES_RESET:
            return await breaking.reset(request)
        case _:
            return await breaking.hang(request)
