"""``cutout limits``: what the gate lets through."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import click

from cutout.cli.options.common import FiniteRange, json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.gate_text import tell_gate
from cutout.cli.output.problems import explained

if TYPE_CHECKING:
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice
    from cutout.domain.gate import Gate


@click.command(
    "limits",
    cls=DocumentedCommand,
    exit_statuses={0: "they are shown, and set if you said so", 1: "they could not be"},
    example="""
$ cutout limits --max-in-flight 20
0 of 20 tasks in flight, 16.2 of 5000 credits today (changed while running)
""",
)
@click.option("--max-in-flight", type=click.IntRange(1, 1000), help="Tasks at once.")
@click.option("--daily-credit-cap", type=FiniteRange(0, 100_000_000), help="Credits a day (UTC).")
@click.option("--deployed", is_flag=True, help="Go back to the limits of the deployment.")
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    max_in_flight: int | None,
    daily_credit_cap: float | None,
    deployed: bool,
    as_json: bool,
    choice: Choice,
) -> int:
    """Show the gate, or change its limits while everything runs."""
    is_set = max_in_flight is not None or daily_credit_cap is not None
    if is_set and deployed:
        raise click.UsageError("--deployed cannot be combined with a limit.")
    with explained():
        stack = surroundings.connect(choice)
        gate: Gate
        if deployed:
            gate = stack.operate().restore_limits()
        elif is_set:
            cap = None if daily_credit_cap is None else Decimal(str(daily_credit_cap))
            gate = stack.operate().set_limits(max_in_flight=max_in_flight, daily_credit_cap=cap)
        else:
            gate = stack.gate()
    tell_gate(gate, surroundings, as_json=as_json)
    return 0
