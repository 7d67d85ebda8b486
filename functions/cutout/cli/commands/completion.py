"""`cutout completion`: print the script that completes commands and options in a shell."""

import sys

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from cutout.cli.options.help_page import DocumentedCommand

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_PROGRAM = "cutout"
# The variable by which the script asks `cutout` for completions: click's own name for it.
_VARIABLE = "_CUTOUT_COMPLETE"


@click.command(
    "completion",
    cls=DocumentedCommand,
    exit_statuses={0: "the script is printed", 1: "an error"},
    example="""
# bash, zsh, fish
eval "$(cutout completion bash)"     # in ~/.bashrc
eval "$(cutout completion zsh)"      # in ~/.zshrc
cutout completion fish > ~/.config/fish/completions/cutout.fish
""",
)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def command(context: click.Context, *, shell: str) -> None:
    """Print the script that completes commands and options in SHELL.

    Evaluate it at the start of the shell, as in the example.
    """
    group = context.find_root().command
    sys.stdout.write(_SHELLS[shell](group, {}, _PROGRAM, _VARIABLE).source())
