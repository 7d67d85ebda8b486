"""`cutout limits`: show and change the limits of the gate."""

from decimal import Decimal

import click

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.options.shared_options import FiniteRange
from cutout.cli.output.gate_text import print_gate
from cutout.cli.stack_command import stack_command


@stack_command(
    "limits",
    {0: "the limits are shown, and set if you gave any", 1: "an error"},
    """
$ cutout limits --max-in-flight 20
0 of 20 tasks in flight, 16.2 of 5000 credits today (changed while running)
""",
)
@click.option(
    "--max-in-flight", type=click.IntRange(1, 1000), help="Tasks in flight at the same time."
)
@click.option(
    "--daily-credit-cap",
    type=FiniteRange(0, 100_000_000),
    help="Credits that may be spent in a day (UTC).",
)
@click.option("--deployed", is_flag=True, help="Restore the deployed limits.")
def command(
    stack: Stack,
    *,
    max_in_flight: int | None,
    daily_credit_cap: float | None,
    deployed: bool,
    as_json: bool,
) -> None:
    """Show the gate, or change its limits without a deployment.

    Without an option, it prints tasks in flight, credits spent today, both limits, and the pause if
    there is one. New limits hold at once, until `--deployed` or new limits replace them.
    """
    is_set = max_in_flight is not None or daily_credit_cap is not None
    if is_set and deployed:
        raise click.UsageError("--deployed cannot be combined with a limit.")
    if deployed:
        gate = compose.control(stack).restore_limits()
    elif is_set:
        # By its decimal digits: the float itself is not exact.
        cap = None if daily_credit_cap is None else Decimal(str(daily_credit_cap))
        gate = compose.control(stack).set_limits(max_in_flight=max_in_flight, daily_credit_cap=cap)
    else:
        gate = stack.jobs.read_gate()
    print_gate(gate, stack.clock.now(), as_json=as_json)
