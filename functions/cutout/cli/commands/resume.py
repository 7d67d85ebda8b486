"""`cutout resume`: open the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli import compose
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import json_option, stack_options
from cutout.cli.output.gate_text import print_gate
from cutout.cli.output.problems import explained

if TYPE_CHECKING:
    from cutout.cli.context import Context
    from cutout.cli.options.shared_options import Choice


@click.command(
    "resume",
    cls=DocumentedCommand,
    exit_statuses={0: "the gate is open", 1: "an error"},
    example="""
# after you put a new API key into the secret
cutout resume
""",
)
@json_option
@stack_options
@click.pass_obj
def command(context: Context, *, as_json: bool, choice: Choice) -> int:
    """Open the gate, whatever paused it.

    Waiting photos are sent at once, oldest first, as far as the limits allow.
    """
    with explained():
        gate = compose.control(context.connect(choice)).resume()
    print_gate(gate, context.clock.now(), as_json=as_json)
    return 0
