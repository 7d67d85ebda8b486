"""`cutout watch`: the numbers of the stack, live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import (
    LONGEST_SECONDS,
    FiniteRange,
    json_option,
    stack_options,
)
from cutout.cli.output.problems import explained
from cutout.cli.output.stack_metrics import (
    metrics_as_json,
    metrics_in_one_line,
    metrics_in_words,
)
from cutout.cli.output.terminal import print_json, stdout

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from cutout.cli.aws.deployed_stack import Stack
    from cutout.cli.context import Context
    from cutout.cli.options.shared_options import Choice
    from cutout.cli.output.stack_metrics import StackMetrics


@click.command(
    "watch",
    cls=DocumentedCommand,
    exit_statuses={0: "it ran until Ctrl-C, or once with --once", 1: "an error"},
    example="""
# watch a running stack; Ctrl-C ends it
cutout watch
""",
)
@click.option("--once", is_flag=True, help="Show the numbers once.")
@click.option(
    "--every",
    type=FiniteRange(1, LONGEST_SECONDS),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="Seconds between two readings.",
)
@json_option
@stack_options
@click.pass_obj
def command(context: Context, *, once: bool, every: float, as_json: bool, choice: Choice) -> int:
    """Show the gate, waiting jobs, jobs in progress and recent results, live.

    On a terminal the view refreshes in place; elsewhere each reading is one line. A reading takes
    at most 16 requests (for up to 100 tasks in flight; 26 for 1,000). None of them scans the table:
    jobs are counted in indexes, up to 1,000 of each state.
    """
    with explained():
        stack = context.connect(choice)
        if as_json or once:
            _print_once(stack, as_json=as_json)
        else:
            _watch(stack, context, every)
    return 0


def _print_once(stack: Stack, *, as_json: bool) -> None:
    metrics = stack.metrics()
    if as_json:
        print_json(metrics_as_json(metrics))
    else:
        stdout().print(_picture(stack, metrics, None))


def _watch(stack: Stack, context: Context, every: float) -> None:
    """Print readings until Ctrl-C, which is the normal end."""
    console = stdout()
    try:
        if console.is_terminal:
            _refresh(stack, context, console, every)
        else:
            while True:
                console.print(metrics_in_one_line(stack.metrics()), soft_wrap=True)
                context.clock.sleep(every)
    except KeyboardInterrupt:
        return


def _refresh(stack: Stack, context: Context, console: Console, every: float) -> None:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(_picture(stack, stack.metrics(), every), refresh=True)
            context.clock.sleep(every)


def _picture(stack: Stack, metrics: StackMetrics, every: float | None) -> RenderableType:
    pace = "" if every is None else f" · every {every:g} s · Ctrl-C ends"
    head = Text.assemble(
        ("Cutout", "bold"),
        f" on {stack.where}",
        (f" · {metrics.at:%H:%M:%S} UTC{pace}", "bright_black"),
    )
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in metrics_in_words(metrics).items():
        style = "yellow" if title == "pause" and text != "none" else ""
        table.add_row(title, Text(text, style))
    return Group(head, table)
