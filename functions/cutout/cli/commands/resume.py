"""``cutout resume``: let photos in again."""

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
