"""``cutout ls``: what the stack knows of."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click
from rich.table import Table

from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.job_filters import choosing_options, wanted
from cutout.cli.output.describe import cost, duration, explanation, job_as_json
from cutout.cli.output.problems import explained
from cutout.cli.output.terminal import print_json_each, results, talk
from cutout.cli.progress.live_table import state_text
from cutout.cli.progress.progress import Tally
from cutout.domain.states import State
from cutout.domain.text.sanitize import plain
from cutout.operator.list_jobs import Cursor, ListJobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice
    from cutout.cli.options.time_expressions import When
    from cutout.domain.job.job import Job
    from cutout.operator.list_jobs import JobFilter

_ROWS = 500


class _Place(click.ParamType[Cursor]):
    """Where a page ended."""

    name = "PLACE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Cursor:
        """Read it."""
        try:
            return Cursor.read(str(value))
        except ValueError as error:
            self.fail(f"{error}: the end of the page before says it", param, ctx)


@click.command(
    "ls",
    cls=DocumentedCommand,
    exit_statuses={
        0: "the list is whole, even if it is empty",
        1: "it cannot be had",
    },
    example="""
# what went wrong in one folder since yesterday, for a program
cutout ls --state failed --state rejected --prefix shoes/ --since 1d --json
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
@choosing_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Only so many, those that moved last.",
)
@click.option("--after", type=_Place(), help="The next page: behind the one that ended here.")
@click.option("--all", "is_all", is_flag=True, help="All of them, printed as they are read.")
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    states: Sequence[str],
    reasons: Sequence[str],
    prefix: str,
    since: When | None,
    until: When | None,
    limit: int,
    after: Cursor | None,
    is_all: bool,
    as_json: bool,
    choice: Choice,
) -> int:
    """List jobs, those that moved last first.

    States: queued, submitting, unconfirmed, processing, storing; completed, review, failed,
    rejected, superseded. Times are those of the last move. States and times are read from an index;
    a prefix or a reason is looked for in all jobs of these states and times.
    """
    now = surroundings.clock.now()
    which = [State(state) for state in states] or list(State)
    chosen = wanted(which, reasons=reasons, prefix=prefix, since=since, until=until, now=now)
    with explained(), Tally(talk(), surroundings.clock) as tally:
        stack = surroundings.connect(choice)
        looked_at = [0]

        def tell(count: int) -> None:
            looked_at[0] = count
            tally.at(f"looked at {count:,} jobs")

        jobs = ListJobs(records=stack.records(), tell=tell).jobs(chosen, after)
        shown = list(islice(jobs, limit)) if not is_all else None
        more = shown is not None and next(jobs, None) is not None
        _print(jobs if shown is None else iter(shown), now, as_json=as_json, where=stack.where)
    _tell_rest(chosen, shown, looked_at[0], more=more)
    return 0


def _print(jobs: Iterator[Job], now: datetime, *, as_json: bool, where: str) -> None:
    if as_json:
        print_json_each(job_as_json(job) for job in jobs)
        return
    has_header = True
    while rows := list(islice(jobs, _ROWS)):
        results().print(_table(rows, now, has_header=has_header))
        has_header = False
    if has_header:
        talk().print(f"No such jobs on {where}.")


def _tell_rest(
    chosen: JobFilter, shown: Sequence[Job] | None, looked_at: int, *, more: bool
) -> None:
    if not chosen.is_indexed and looked_at > len(shown or ()):
        text = f"Looked at {looked_at:,} jobs: no index knows prefixes and reasons."
        talk().print(text, style="note")
    if shown and more:
        text = (
            f"There are more than these {len(shown)}; the next page: --after {Cursor.of(shown[-1])}"
        )
        talk().print(text, style="note", soft_wrap=True)


def _table(jobs: Sequence[Job], now: datetime, *, has_header: bool) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), show_header=has_header)
    table.add_column("photo", overflow="fold")
    table.add_column("state")
    table.add_column("moved", justify="right")
    table.add_column("credits", justify="right")
    table.add_column("result or reason", overflow="fold")
    for job in jobs:
        table.add_row(
            plain(job.source.key),
            state_text(job.state.value),
            f"{duration(now - job.updated_at)} ago",
            cost(job),
            plain(job.result.key if job.result else explanation(job)),
        )
    return table
