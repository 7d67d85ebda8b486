"""`cutout resume`: open the gate."""

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.gate_text import print_gate
from cutout.cli.output.terminal import remark
from cutout.cli.stack_command import stack_command


@stack_command(
    "resume",
    {0: "the gate is open", 1: "an error"},
    """
# after you put a new API key into the secret
cutout resume
""",
)
def command(stack: Stack, *, as_json: bool) -> None:
    """Open the gate, whatever paused it.

    Waiting photos are sent at once, oldest first, as far as the limits allow.
    """
    gate = compose.control(stack).resume()
    remark("The gate is open.")
    print_gate(gate, stack.clock.now(), as_json=as_json)
