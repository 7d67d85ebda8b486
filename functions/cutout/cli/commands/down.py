"""`cutout down`: stop the local cloud."""

import click

from cutout.cli.context import Context
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.terminal import stderr


@click.command(
    "down",
    cls=DocumentedCommand,
    exit_statuses={
        0: "nothing is running any more",
        1: "a process could not be stopped, or this is not a checkout",
    },
    example="""
cutout down
""",
)
@click.pass_obj
def command(context: Context) -> None:
    """Stop the local cloud of this project and delete its data.

    Logs stay in .cutout/. Nothing on AWS changes. This command needs a checkout of Cutout; an
    installed package has no local cloud.
    """
    was_running = context.local.down()
    stderr().print("The local cloud is down." if was_running else "No local cloud was up.")
