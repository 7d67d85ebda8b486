"""``cutout pause``: let no photo in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.gate_text import tell_gate
from cutout.cli.output.problems import explained

if TYPE_CHECKING:
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice


@click.command(
    "pause",
    cls=DocumentedCommand,
    exit_statuses={0: "the gate is closed", 1: "it could not be"},
    example="""
# before maintenance at the provider
cutout pause
""",
)
@json_option
@stack_options
@click.pass_obj
def command(surroundings: Surroundings, *, as_json: bool, choice: Choice) -> int:
    """Close the gate until `cutout resume`.

    Uploads are still taken and wait in the table; tasks in flight go on.
    """
    with explained():
        gate = surroundings.connect(choice).operate().pause()
    tell_gate(gate, surroundings, as_json=as_json)
    return 0
