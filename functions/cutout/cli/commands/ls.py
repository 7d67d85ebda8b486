"""``cutout ls``: what the stack knows of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.table import Table

from cutout.cli.board import state_text
from cutout.cli.describe import duration, explanation, job_as_json
from cutout.cli.manual import DocumentedCommand
from cutout.cli.options import json_option, stack_options
from cutout.cli.problems import explained
from cutout.cli.terminal import print_json, results, talk
from cutout.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cutout.cli.stack import Stack
    from cutout.cli.surroundings import Surroundings
    from cutout.cli.target import Choice
    from cutout.job import Job

_FIRST_LOOK = 200
_DEEPER = 5


@click.command(
    "ls",
    cls=DocumentedCommand,
    exit_statuses={
        0: "the list is whole, even if it is empty",
        1: "it cannot be had",
    },
    example="""
# what went wrong in one folder, for a program
cutout ls --state failed --state rejected --prefix shoes/ --json
""",
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in State]),
    metavar="STATE",
    help="Only jobs in this state; may be said more than once.",
)
@click.option("--prefix", default="", metavar="TEXT", help="Only keys that begin so.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Only so many, those that moved last.",
)
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    states: Sequence[str],
    prefix: str,
    limit: int,
    as_json: bool,
    choice: Choice,
) -> int:
    """List jobs, those that moved last first.

    States: queued, submitting, unconfirmed, processing, storing; completed, review, failed,
    rejected, superseded.
    """
    with explained():
        stack = surroundings.connect(choice)
        wanted = [State(state) for state in states] or list(State)
        found = [job for state in wanted for job in _in_state(stack, state, prefix, limit)]
    found.sort(key=lambda job: job.updated_at, reverse=True)
    jobs = found[:limit]
    if as_json:
        print_json([job_as_json(job) for job in jobs])
        return 0
    if jobs:
        results().print(_table(jobs, surroundings.clock.now()))
    else:
        talk().print(f"No such jobs on {stack.where}.")
    if len(found) > limit:
        talk().print(f"There are more than these {limit}; `--limit` shows more.", style="note")
    return 0


def _in_state(stack: Stack, state: State, prefix: str, limit: int) -> Sequence[Job]:
    """Return up to one more than ``limit`` jobs; the index knows no prefixes, so look deeper."""
    looked_at = limit + 1 if not prefix else max(limit + 1, _FIRST_LOOK)
    while True:
        jobs = stack.in_state(state, looked_at)
        fitting = [job for job in jobs if job.source.key.startswith(prefix)]
        if len(fitting) > limit or len(jobs) < looked_at:
            return fitting[: limit + 1]
        looked_at *= _DEEPER


def _table(jobs: Sequence[Job], now: datetime) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("photo", overflow="fold")
    table.add_column("state")
    table.add_column("moved", justify="right")
    table.add_column("credits", justify="right")
    table.add_column("result or reason", overflow="fold")
    for job in jobs:
        table.add_row(
            job.source.key,
            state_text(job.state.value),
            f"{duration(now - job.updated_at)} ago",
            f"{job.credits:g}",
            job.result.key if job.result else explanation(job),
        )
    return table
