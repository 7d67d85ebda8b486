"""`cutout pause`: close the gate."""

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.gate_text import print_gate
from cutout.cli.stack_command import stack_command


@stack_command(
    "pause",
    {0: "the gate is paused", 1: "an error"},
    """
# before maintenance at the provider
cutout pause
""",
)
def command(stack: Stack, *, as_json: bool) -> None:
    """Pause the gate until `cutout resume`.

    No new photo is sent to the provider. New uploads wait in the jobs table; tasks in flight
    continue.
    """
    print_gate(compose.control(stack).pause(), stack.clock.now(), as_json=as_json)
