"""`cutout pause`: close the gate."""

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
    "pause",
    cls=DocumentedCommand,
    exit_statuses={0: "the gate is paused", 1: "an error"},
    example="""
# before maintenance at the provider
cutout pause
""",
)
@json_option
@stack_options
@click.pass_obj
def command(context: Context, *, as_json: bool, choice: Choice) -> int:
    """Pause the gate until `cutout resume`.

    No new photo is sent to the provider. New uploads wait in the jobs table; tasks in flight
    continue.
    """
    with explained():
        gate = compose.control(context.connect(choice)).pause()
    print_gate(gate, context.clock.now(), as_json=as_json)
    return 0
