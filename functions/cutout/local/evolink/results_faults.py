"""The faults of serving results."""

from starlette.requests import Request
from starlette.responses import Response

from cutout.local.evolink import breakage
from cutout.local.evolink.clock import Clock
from cutout.local.evolink.rules import Rule


async def spoil(request: Request, rule: Rule, picture: bytes, clock: Clock) -> Response | None:
    """Return what is answered instead of the picture, or None for the picture itself."""
    _ = request, rule, picture, clock
    return breakage.page(500)
