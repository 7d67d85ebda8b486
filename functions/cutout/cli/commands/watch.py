"""`cutout watch`: the numbers of the stack, live."""

from contextlib import suppress

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.options.shared_options import LONGEST_SECONDS, FiniteRange
from cutout.cli.output.stack_metrics import (
    StackMetrics,
    metrics_as_json,
    metrics_in_one_line,
    metrics_in_words,
)
from cutout.cli.output.terminal import print_json, stdout
from cutout.cli.stack_command import stack_command


@stack_command(
    "watch",
    {0: "it ran until Ctrl-C, or once with --once", 1: "an error"},
    """
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
def command(stack: Stack, *, once: bool, every: float, as_json: bool) -> None:
    """Show the gate, waiting jobs, jobs in progress and recent results, live.

    On a terminal the view refreshes in place; elsewhere each reading is one line. A reading takes
    at most 16 requests (for up to 100 tasks in flight; 26 for 1,000). None of them scans the table:
    jobs are counted in indexes, up to 1,000 of each state.
    """
    if as_json:
        print_json(metrics_as_json(stack.metrics()))
    elif once:
        stdout().print(_picture(stack, stack.metrics(), None))
    else:
        _watch(stack, every)


def _watch(stack: Stack, every: float) -> None:
    """Print readings until Ctrl-C, which is the normal end."""
    console = stdout()
    with suppress(KeyboardInterrupt):
        # This loop has no end: only Ctrl-C leaves it.
        while not console.is_terminal:
            console.print(metrics_in_one_line(stack.metrics()), soft_wrap=True)
            stack.clock.sleep(every)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(_picture(stack, stack.metrics(), every), refresh=True)
                stack.clock.sleep(every)


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
