"""``cutout costs``: what was paid, what for, what for nothing, and what reuse saved."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.time_expressions import time_options
from cutout.cli.output.describe import counted
from cutout.cli.output.file_text import spreadsheet_cell
from cutout.cli.output.money import money_option, price_of
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, results, talk
from cutout.cli.progress.progress import Tally
from cutout.operator.costs import By, Costs, Period
from cutout.operator.list_jobs import JobFilter, ListJobs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from cutout.cli.aws.stack import Stack
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice
    from cutout.cli.options.time_expressions import When
    from cutout.cli.output.money import Price
    from cutout.operator.costs import Charge, CostLine

_AT_ONCE = 8
_SUMS = ("photos", "calls", "credits", "US $", "no cut-out", "maybe twice")
_SAVINGS = ("reused", "saved")
"""Shown where there are any."""
_SHOWN = 10
_COLUMNS = (
    "why",
    "task",
    "called_at",
    "credits",
    "dollars",
    "outcome",
    "code",
    "message",
    "state",
    "reason",
    "posts",
    "job",
    "bucket",
    "key",
)


@click.command(
    "costs",
    cls=DocumentedCommand,
    exit_statuses={0: "it is told (an empty period costs nothing)", 1: "it cannot be had"},
    example="""
# what October cost, and a list for the provider's support
cutout costs --by day --since 2026-10-01 --until 2026-10-31 --csv refund-claim.csv
""",
)
@click.option(
    "--by",
    type=click.Choice([by.value for by in By]),
    default=By.DAY.value,
    show_default=True,
    help="Add up by day (UTC) of the call, by folder, or by what became of the photo.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="With --by prefix: so many folders deep.",
)
@click.option("--prefix", default="", metavar="TEXT", help="Only keys that begin so.")
@time_options
@click.option(
    "--csv",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the calls that were charged without a cut-out, or may have been charged twice.",
)
@money_option
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    by: str,
    depth: int,
    prefix: str,
    since: When | None,
    until: When | None,
    file: Path | None,
    cents_per_credit: Decimal | None,
    as_json: bool,
    choice: Choice,
) -> int:
    """Add up what calls to the provider cost.

    A call counts when it began in the period: what the provider says it used; else what it
    reserved, while a photo is on its way or its outcome is unknown. "No cut-out" is what was
    charged for photos that failed, went into review or were superseded, and for attempts that
    another attempt of the same photo outran. "Reused" are photos that were completed in the
    period from the kept result of the same picture, "saved" is what that had cost. Rows expire
    (setting retention_days): so far back it goes.
    """
    now = surroundings.clock.now()
    period = Period(since=since.at(now) if since else None, until=until.at(now) if until else None)
    report = _Report(
        costs=Costs(by=By(by), period=period, depth=depth),
        price=price_of(surroundings, cents_per_credit),
    )
    with explained(), Tally(talk(), surroundings.clock) as tally:
        stack = surroundings.connect(choice)
        jobs = _add_up(stack, report.costs, prefix, tally)
        requests = stack.requests()
        said = ", ".join(f"{count:,} {name}" for name, count in sorted(requests.items()))
        talk().print(
            f"{counted(jobs, 'job')} read in {tally.seconds:.1f} s; requests: {said}",
            style="note",
            soft_wrap=True,
        )
    if file is not None:
        report.write(file)
    if as_json:
        print_json(report.as_json() | {"jobs_read": jobs, "requests": dict(requests)})
    else:
        report.tell()
    return 0


def _add_up(stack: Stack, costs: Costs, prefix: str, tally: Tally) -> int:
    """Read every job that moved since the period began: none of its calls began later."""
    looked_at = [0]

    def tell(count: int) -> None:
        looked_at[0] = count
        tally.at(f"read {count:,} jobs")

    browse = ListJobs(records=stack.records(), tell=tell, at_once=_AT_ONCE)
    for job in browse.jobs(JobFilter(prefix=prefix, since=costs.period.since)):
        costs.add(job)
    return looked_at[0]


@dataclass(frozen=True, kw_only=True)
class _Report:
    """The sums, for people, programs and the provider's support."""

    costs: Costs
    price: Price

    def tell(self) -> None:
        """Print the table, then what is worth a claim."""
        costs = self.costs
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column(costs.by.value)
        for name in _SUMS + (_SAVINGS if costs.total.reused else ()):
            table.add_column(name, justify="right")
        for name, line in sorted(costs.lines.items()):
            table.add_row(name or "(no folder)", *self._cells(line))
        table.add_row("all", *self._cells(costs.total), style="bold")
        results().print(table)
        if costs.total.reused:
            photos = counted(costs.total.reused, "photo")
            results().print(f"saved by reuse: {photos}, {self.price.told(costs.total.saved)}")
        self._list("charged without a cut-out", costs.lost, costs.total.lost)
        self._list("possibly charged twice", costs.doubtful, costs.total.at_risk)

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
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
        """Write the claim."""
        rows = [self._row(one, "no-cut-out") for one in self.costs.lost]
        rows += [self._row(one, "maybe-twice") for one in self.costs.doubtful]
        try:
            with file.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, _COLUMNS, quoting=csv.QUOTE_ALL)
                writer.writeheader()
                writer.writerows(map(_harmless, rows))
        except OSError as error:
            raise Problem(f"{file} cannot be written: {error.strerror}.") from error
        talk().print(f"{counted(len(rows), 'call')} written to {file}.")

    def _list(self, title: str, charges: Sequence[Charge], credits_: Decimal) -> None:
        if not charges:
            return
        results().print(f"{title}: {counted(len(charges), 'call')}, {self.price.told(credits_)}")
        for one in charges[:_SHOWN]:
            what = one.attempt.code or one.job.reason or one.job.state
            results().print(
                f"  {one.attempt.task_id or 'no task id'}  {what}  {one.job.source.key}"
            )
        if len(charges) > _SHOWN:
            more = len(charges) - _SHOWN
            talk().print(f"  and {more:,} more; `--csv FILE` names them all", style="note")

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
        job, attempt = one.job, one.attempt
        values = (
            why,
            attempt.task_id,
            attempt.started_at.isoformat(),
            float(credits_),
            float(self.price.dollars(credits_)),
            attempt.outcome.value,
            attempt.code,
            attempt.message,
            job.state.value,
            job.reason.value if job.reason else None,
            attempt.posts,
            job.id,
            job.source.bucket,
            job.source.key,
        )
        return dict(zip(_COLUMNS, values, strict=True))


def _harmless(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: spreadsheet_cell(value) if isinstance(value, str) else value
        for name, value in row.items()
    }
