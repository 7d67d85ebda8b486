"""``cutout watch``: the stack at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cutout.cli.aws.stack_metrics import (
    REQUESTS,
    numbers_as_json,
    numbers_in_one_line,
    numbers_in_words,
)
from cutout.cli.options.common import (
    LONGEST_SECONDS,
    FiniteRange,
    json_option,
    stack_options,
)
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.problems import explained
from cutout.cli.output.terminal import print_json, results

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from cutout.cli.aws.stack import Stack
    from cutout.cli.aws.stack_metrics import Numbers
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice


@click.command(
    "watch",
    cls=DocumentedCommand,
    exit_statuses={0: "it was shown until you ended it with Ctrl-C", 1: "it could not be"},
    example="""
# a look at a running stack; Ctrl-C ends it
cutout watch
""",
)
@click.option("--once", is_flag=True, help="Look once.")
@click.option(
    "--every",
    type=FiniteRange(1, LONGEST_SECONDS),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings, *, once: bool, every: float, as_json: bool, choice: Choice
) -> int:
    """Show how the gate stands, who waits, what is under way and what was settled lately.

    On a terminal the view refreshes in place; elsewhere it is a line a look. Each look takes at
    most 16 requests (while a hundred tasks run; 10 more for a thousand), none of which scans:
    counts are read off indexes, a thousand of each state at most.
    """
    with explained():
        stack = surroundings.connect(choice)
        if as_json or once:
            _tell_once(stack, as_json=as_json)
        else:
            _watch(stack, surroundings, every)
    return 0


def _tell_once(stack: Stack, *, as_json: bool) -> None:
    numbers = stack.numbers()
    if as_json:
        print_json(numbers_as_json(numbers))
    else:
        results().print(_picture(stack, numbers, None))


def _watch(stack: Stack, surroundings: Surroundings, every: float) -> None:
    """Look again and again; a person's Ctrl-C is the normal end."""
    console = results()
    try:
        if console.is_terminal:
            _refresh(stack, surroundings, console, every)
        else:
            while True:
                console.print(numbers_in_one_line(stack.numbers()), soft_wrap=True)
                surroundings.clock.sleep(every)
    except KeyboardInterrupt:
        return


def _refresh(stack: Stack, surroundings: Surroundings, console: Console, every: float) -> None:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(_picture(stack, stack.numbers(), every), refresh=True)
            surroundings.clock.sleep(every)


def _picture(stack: Stack, numbers: Numbers, every: float | None) -> RenderableType:
    pace = (
        "" if every is None else f" · every {every:g} s, {REQUESTS} requests a look · Ctrl-C ends"
    )
    head = Text.assemble(
        ("Cutout", "bold"),
        f" on {stack.where}",
        (f" · {numbers.at:%H:%M:%S} UTC{pace}", "bright_black"),
    )
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in numbers_in_words(numbers).items():
        style = "yellow" if name == "pause" and said != "none" else ""
        table.add_row(name, Text(said, style))
    return Group(head, table)
