"""``cutout resume``: let photos in again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli.gate_words import gate_as_json, gate_in_words
from cutout.cli.manual import DocumentedCommand
from cutout.cli.options import json_option, stack_options
from cutout.cli.problems import explained
from cutout.cli.terminal import print_json, results

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
    now = surroundings.clock.now()
    if as_json:
        print_json(gate_as_json(gate, now))
    else:
        results().print(gate_in_words(gate, now))
    return 0
