"""``cutout down``: the end of the local cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.problems import explained
from cutout.cli.output.terminal import talk

if TYPE_CHECKING:
    from cutout.cli.context import Surroundings


@click.command(
    "down",
    cls=DocumentedCommand,
    exit_statuses={
        0: "nothing runs any more",
        1: "something could not be ended",
    },
    example="""
cutout down
""",
)
@click.pass_obj
def command(surroundings: Surroundings) -> int:
    """Take the local cloud of this folder down, with all that is in it.

    Logs stay in .cutout/. Nothing on AWS is touched.
    """
    with explained():
        was_there = surroundings.local.down()
    talk().print("The local cloud is down." if was_there else "No local cloud was up.")
    return 0
