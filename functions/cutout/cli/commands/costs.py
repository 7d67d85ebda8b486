"""`cutout costs`: what calls to the provider cost, and what cached results saved."""

import csv
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.options.job_filters import only_prefix_option, time_options
from cutout.cli.options.price_option import price_option
from cutout.cli.output.file_text import spreadsheet_cell
from cutout.cli.output.money import Price
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import plain_table, print_first, print_json, remark, stderr, stdout
from cutout.cli.output.units import counted
from cutout.cli.progress.progress import ProgressLine
from cutout.cli.stack_command import stack_command
from cutout.domain.dataclass import dataclass
from cutout.operator.costs import By, Charge, CostLine, Costs, Period
from cutout.operator.list_jobs import JobFilter, ListJobs

_AT_ONCE = 8
_SUMS = ("photos", "calls", "credits", "US $", "no cut-out", "maybe twice")
_SAVINGS = ("reused", "saved")  # shown if any photo was reused
_SHOWN = 10
_COLUMNS: dict[str, Callable[[Charge], object]] = {
    "task": lambda one: one.attempt.task_id,
    "called_at": lambda one: one.attempt.started_at.isoformat(),
    "outcome": lambda one: one.attempt.outcome.value,
    "code": lambda one: one.attempt.code,
    "message": lambda one: one.attempt.message,
    "state": lambda one: one.job.state.value,
    "reason": lambda one: one.job.reason.value if one.job.reason else None,
    "posts": lambda one: one.attempt.posts,
    "job": lambda one: one.job.id,
    "bucket": lambda one: one.job.source.bucket,
    "key": lambda one: one.job.source.key,
}
# The order of the columns of the file.
_HEADER = ("why", "task", "called_at", "credits", "dollars", *list(_COLUMNS)[2:])


@stack_command(
    "costs",
    {0: "the costs are printed, even if they are 0", 1: "an error"},
    """
# the costs of October, and a list for the provider's support
cutout costs --by day --since 2026-10-01 --until 2026-10-31 --csv refund-claim.csv
""",
    counts_requests=True,
)
@click.option(
    "--by",
    type=click.Choice([by.value for by in By]),
    default=By.DAY.value,
    show_default=True,
    help="Add up by day (UTC) of the call, by folder, or by the state of the job.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="With --by prefix: the depth of the folders.",
)
@only_prefix_option
@time_options
@click.option(
    "--csv",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a list of calls that were charged without a cut-out, or perhaps charged twice.",
)
@price_option
def command(
    stack: Stack,
    *,
    by: str,
    depth: int,
    prefix: str,
    since: datetime | None,
    until: datetime | None,
    file: Path | None,
    price: Price,
    as_json: bool,
) -> None:
    """Add up what calls to the provider cost.

    A call counts if it began in the period, with the credits that the provider reported as used, or
    with the reserved credits while the outcome is open. "No cut-out" is what was charged for photos
    that failed, went into review or were superseded, and for attempts whose result was not used
    because another attempt of the same photo finished first. "Reused" are photos that were
    completed in the period with the cached result of the same photo; "saved" is what that result
    had cost. Jobs expire (setting retention_days), and their costs with them.
    """
    period = Period(since=since, until=until)
    report = _Report(costs=Costs(by=By(by), period=period, depth=depth), price=price)
    with ProgressLine(stack.clock) as progress:
        _add_up(stack, report.costs, prefix, progress)
        requests = stack.requests()
        remark(f"{counted(progress.jobs_read, 'job')} read in {progress.seconds:.1f} s")
    if file is not None:
        report.write(file)
    if as_json:
        facts = {"jobs_read": progress.jobs_read, "requests": dict(requests)}
        print_json(report.as_json() | facts)
    else:
        report.print()


def _add_up(stack: Stack, costs: Costs, prefix: str, progress: ProgressLine) -> None:
    """Read every job that changed since the begin of the period; no other has a call in it."""
    browse = ListJobs(records=stack.index, on_read=progress.show_read, at_once=_AT_ONCE)
    # No upper bound: a job that changed after the period may have had its call in it.
    for job in browse.jobs(JobFilter(prefix=prefix, since=costs.period.since)):
        costs.add(job)


@dataclass(frozen=True, kw_only=True)
class _Report:
    """The sums, for people, programs and the provider's support."""

    costs: Costs
    price: Price

    def print(self) -> None:
        """Print the table, then the calls that may be refunded."""
        costs = self.costs
        sums = _SUMS + (_SAVINGS if costs.total.reused else ())
        table = plain_table(costs.by.value, *sums, right=sums)
        for name, line in sorted(costs.lines.items()):
            table.add_row(name or "(no folder)", *self._cells(line))
        table.add_row("all", *self._cells(costs.total), style="bold")
        stdout().print(table)
        if costs.total.reused:
            photos = counted(costs.total.reused, "photo")
            stdout().print(
                f"saved by cached results: {photos}, {self.price.in_words(costs.total.saved)}"
            )
        self._list("charged without a cut-out", costs.lost, costs.total.lost)
        self._list("possibly charged twice", costs.doubtful, costs.total.at_risk)

    def as_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        costs = self.costs
        return {
            "by": costs.by.value,
            "cents_per_credit": float(self.price.cents),
            "lines": [
                {costs.by.value: name, **self._line(line)}
                for name, line in sorted(costs.lines.items())
            ],
            "total": self._line(costs.total),
            "no_cut_out": [self._row(one, "no-cut-out") for one in costs.lost],
            "possible_double_charges": [self._row(one, "maybe-twice") for one in costs.doubtful],
        }

    def write(self, file: Path) -> None:
        """Write the calls that may be refunded to a CSV file."""
        rows = [self._row(one, "no-cut-out") for one in self.costs.lost]
        rows += [self._row(one, "maybe-twice") for one in self.costs.doubtful]
        try:
            with file.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, _HEADER, quoting=csv.QUOTE_ALL)
                writer.writeheader()
                writer.writerows(map(_escaped, rows))
        except OSError as error:
            raise Problem(f"{file} cannot be written: {error.strerror}.") from error
        stderr().print(f"{counted(len(rows), 'call')} written to {file}.")

    def _list(self, title: str, charges: Sequence[Charge], credits_: Decimal) -> None:
        if not charges:
            return
        stdout().print(f"{title}: {counted(len(charges), 'call')}, {self.price.in_words(credits_)}")
        lines = [
            f"{one.attempt.task_id or 'no task id'}  "
            f"{one.attempt.code or one.job.reason or one.job.state}  {one.job.source.key}"
            for one in charges
        ]
        print_first(stdout(), lines, _SHOWN, rest="`--csv FILE` lists all")

    def _cells(self, line: CostLine) -> tuple[str, ...]:
        return (
            f"{line.photos:,}",
            f"{line.calls:,}",
            f"{line.credits:,f}",
            f"{self.price.dollars(line.credits):,}",
            f"{line.lost:,f}",
            f"{line.at_risk:,f}",
            *((f"{line.reused:,}", f"{line.saved:,f}") if self.costs.total.reused else ()),
        )

    def _line(self, line: CostLine) -> dict[str, float]:
        return {
            "photos": line.photos,
            "calls": line.calls,
            "credits": float(line.credits),
            "dollars": float(self.price.dollars(line.credits)),
            "credits_without_cut_out": float(line.lost),
            "credits_maybe_twice": float(line.at_risk),
            "photos_reused": line.reused,
            "credits_saved": float(line.saved),
            "dollars_saved": float(self.price.dollars(line.saved)),
        }

    def _row(self, one: Charge, why: str) -> dict[str, Any]:
        credits_ = one.credits if why == "no-cut-out" else one.at_risk
        amounts = {"credits": float(credits_), "dollars": float(self.price.dollars(credits_))}
        return {"why": why, **amounts, **{name: value(one) for name, value in _COLUMNS.items()}}


def _escaped(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: spreadsheet_cell(value) if isinstance(value, str) else value
        for name, value in row.items()
    }
