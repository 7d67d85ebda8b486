"""`cutout ls`: list jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

from cutout.cli.options.job_filters import filter_options
from cutout.cli.options.shared_options import limit_option
from cutout.cli.output.job_text import cost, explanation, state_text
from cutout.cli.output.terminal import plain_table, print_json_each, remark, stdout
from cutout.cli.output.units import counted, duration
from cutout.cli.progress.progress import ProgressLine
from cutout.cli.stack_command import stack_command
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.sanitize import plain
from cutout.domain.states import State
from cutout.operator.list_jobs import Cursor, JobFilter, ListJobs

if TYPE_CHECKING:
    from rich.table import Table

    from cutout.cli.aws.deployed_stack import Stack

_ROWS = 500


def _cursor(_ctx: click.Context, _option: click.Parameter, text: str | None) -> Cursor | None:
    try:
        return None if text is None else Cursor.read(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}; the previous page ends with the cursor") from error


@stack_command(
    "ls",
    {0: "the list is complete, even if it is empty", 1: "an error"},
    """
# photos of one folder that failed since yesterday, for a program
cutout ls --state failed --state rejected --prefix shoes/ --since 1d --json
""",
)
@filter_options(tuple(State), "Only jobs in this state (repeatable).")
@limit_option("jobs")
@click.option(
    "--after",
    metavar="CURSOR",
    callback=_cursor,
    help="Start after this cursor (printed at the end of the previous page).",
)
@click.option("--all", "is_all", is_flag=True, help="All jobs, printed as they are read.")
def command(
    stack: Stack,
    *,
    wanted: JobFilter,
    limit: int,
    after: Cursor | None,
    is_all: bool,
    as_json: bool,
) -> None:
    """List jobs, the most recently changed first.

    States: queued, submitting, unconfirmed, processing, storing; completed, review, failed,
    rejected, superseded. --since and --until compare the time of the last change. States and times
    are indexed; for a prefix or a reason, all jobs of these states and times are read.
    """
    now = stack.clock.now()
    chosen = wanted if wanted.states else replace(wanted, states=tuple(State))
    with ProgressLine(stack.clock) as progress:
        browse = ListJobs(records=stack.index, on_read=progress.show_read)
        jobs = browse.jobs(chosen, after)
        shown = list(islice(jobs, limit)) if not is_all else None
        # One job more than is shown tells whether there is another page.
        more = shown is not None and next(jobs, None) is not None
        waiting: dict[Reason | None, Job] = {}
        # Noted while it is printed: a list of a million jobs is kept nowhere.
        listed = _noting(jobs if shown is None else iter(shown), waiting)
        _print(listed, now, as_json=as_json, where=stack.where)
        if waiting:
            from cutout.cli.output.gate_text import print_delay  # noqa: PLC0415 - seldom needed

            print_delay(waiting.values(), stack.jobs.read_gate, now)
    _print_rest(chosen, shown, progress.jobs_read, more=more)


def _noting(jobs: Iterator[Job], waiting: dict[Reason | None, Job]) -> Iterator[Job]:
    """Yield the jobs; remember one for each reason to wait."""
    for job in jobs:
        if job.is_waiting:
            waiting.setdefault(job.reason, job)
        yield job


def _print(jobs: Iterator[Job], now: datetime, *, as_json: bool, where: str) -> None:
    if as_json:
        from cutout.cli.output.job_json import job_as_json  # noqa: PLC0415 - as above

        print_json_each(job_as_json(job) for job in jobs)
        return
    has_header = True
    while rows := list(islice(jobs, _ROWS)):
        stdout().print(_table(rows, now, has_header=has_header))
        has_header = False
    if has_header:
        click.echo(f"No such jobs on {where}.", err=True)


def _print_rest(
    chosen: JobFilter, shown: Sequence[Job] | None, scanned: int, *, more: bool
) -> None:
    if not chosen.is_indexed and scanned > len(shown or ()):
        remark(f"Scanned {counted(scanned, 'job')} (prefix and reason filters are not indexed).")
    if shown and more:
        remark(f"There are more jobs than shown; next page: --after {Cursor.of(shown[-1])}")


def _table(jobs: Sequence[Job], now: datetime, *, has_header: bool) -> Table:
    columns = ("photo", "state", "changed", "credits", "result or reason")
    table = plain_table(
        *columns,
        right=("changed", "credits"),
        fold=("photo", "result or reason"),
        has_header=has_header,
    )
    counts = Counter(job.source.key for job in jobs)
    for job in jobs:
        table.add_row(
            _name(job) if counts[job.source.key] > 1 else plain(job.source.key),
            state_text(job.state.value),
            f"{duration(now - job.updated_at)} ago",
            cost(job),
            plain(_end(job)),
        )
    return table


def _end(job: Job) -> str:
    """Return the key of the result; a failed job may have one that a person rejected."""
    return explanation(job) if job.result is None or job.state is State.FAILED else job.result.key


def _name(job: Job) -> str:
    """Return key, upload time and id of a job; `cutout show` takes the id."""
    return f"{plain(job.source.key)} (uploaded {job.created_at:%m-%d %H:%M:%S}, job {job.id})"
