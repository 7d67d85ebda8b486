"""``cutout pause``: let no photo in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli.gate_words import tell_gate
from cutout.cli.manual import DocumentedCommand
from cutout.cli.options import json_option, stack_options
from cutout.cli.problems import explained

if TYPE_CHECKING:
    from cutout.cli.surroundings import Surroundings
    from cutout.cli.target import Choice


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
