"""The concurrency of an account, and the settings that follow from it."""

from collections.abc import Sequence
from typing import Any, Final

from ..deployed_functions import SHAPES
from ..settings.settings import Settings
from ..settings.value_rules import pairs

# Lambda refuses a reservation that leaves less to the account's other functions.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
_LEFT_UNRESERVED: Final = 100
_LEAST: Final = 2  # the lowest maximum concurrency of an event source mapping
_WORKERS: Final = ("submit_concurrency", "prepare_concurrency", "store_concurrency")
RESERVED: Final = sum(shape.reserved_concurrency or 0 for shape in SHAPES.values())
"""What ReceiveCallback and Sweep reserve, so that other functions cannot starve them."""


def free_concurrency(client: Any, functions: Sequence[str]) -> int:  # noqa: ANN401 # boto3's own
    """Return the concurrency that a deployment with these functions, if any, can use."""
    limits = client.get_account_settings()["AccountLimit"]
    # An update keeps what the deployed functions reserve, so that is free for them, too.
    own = (client.get_function_concurrency(FunctionName=name) for name in functions)
    reserved = sum(one.get("ReservedConcurrentExecutions", 0) for one in own)
    return int(limits["UnreservedConcurrentExecutions"] + reserved)


def settings_for(free: int, context: Sequence[str]) -> dict[str, str]:
    """Return settings that fit the account's concurrency, except those that the caller sets.

    Where nothing can be reserved, the other functions get so little that some is left for
    callbacks. The context has the caller's settings, as `name=value`.
    """
    if free - RESERVED >= _LEFT_UNRESERVED:
        return {}
    given = pairs(context)
    wanted = {"reserved_concurrency": "false"}
    settings = Settings.from_context(given)
    if sum(getattr(settings, name) for name in _WORKERS) + RESERVED > free:
        wanted |= dict.fromkeys(_WORKERS, str(_LEAST))
    return {name: value for name, value in wanted.items() if name not in given}
