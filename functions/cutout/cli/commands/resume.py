"""``cutout resume``: let photos in again."""

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
    "resume",
    cls=DocumentedCommand,
    exit_statuses={0: "the gate is open", 1: "it could not be opened"},
    example="""
# after a new API key was put into the secret
cutout resume
""",
)
@json_option
@stack_options
@click.pass_obj
def command(surroundings: Surroundings, *, as_json: bool, choice: Choice) -> int:
    """Open the gate, whatever closed it.

    Waiting photos go in at once, the oldest first, as many as the limits allow.
    """
    with explained():
        gate = surroundings.connect(choice).operate().resume()
    tell_gate(gate, surroundings, as_json=as_json)
    return 0
