"""``cutout audit``: every upload against the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from cutout.cli.enqueue import feed, survey_of, the_bucket
from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.cost_preview import estimate, plan_as_json, plan_in_words
from cutout.cli.output.describe import counted
from cutout.cli.output.money import money_option, price_of
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, print_lines, results, talk
from cutout.cli.progress.progress import Tally
from cutout.operator.audit import Finding

if TYPE_CHECKING:
    from decimal import Decimal

    from cutout.cli.aws.stack import Stack
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice
    from cutout.operator.audit import AuditedObject

_SHOWN = 20
_STYLES = {
    Finding.DONE: "green",
    Finding.IN_FLIGHT: "blue",
    Finding.FAILED: "red",
    Finding.REVIEW: "yellow",
    Finding.REJECTED: "red",
    Finding.MISSING: "bold red",
    Finding.RESULT_GONE: "bold red",
    Finding.OUTDATED: "bold red",
    Finding.SUPERSEDED: "bold red",
}
_ADVICE = {
    Finding.MISSING: "`cutout audit --fix` queues them, behind live uploads",
    Finding.RESULT_GONE: "paid for once; if nobody meant to delete them, upload them again",
    Finding.OUTDATED: "the cut-out is of a newer version that was deleted: upload them again",
    Finding.SUPERSEDED: "deleted and restored, or written over and restored: upload them again",
}


@dataclass(kw_only=True)
class _Sums:
    """What was found, and which objects are in trouble."""

    counts: Counter[tuple[Finding, str]] = field(default_factory=Counter)
    troubles: list[AuditedObject] = field(default_factory=list)

    def add(self, found: AuditedObject) -> None:
        """Add an object."""
        self.counts[found.finding, found.reason] += 1
        if found.finding.is_trouble:
            self.troubles.append(found)

    def of(self, finding: Finding) -> int:
        """Return how many there are."""
        return sum(count for (one, _), count in self.counts.items() if one is finding)


@click.command(
    "audit",
    cls=DocumentedCommand,
    exit_statuses={
        0: "every upload has its job, and every completed one its cut-out (or --fix queued it)",
        1: "one has not, or they could not be read",
    },
    example="""
# from cron: silent for programs unless something is missing
cutout audit --json || notify-somebody

# queue what no event told of
cutout audit --fix --yes
""",
)
@click.option(
    "--prefix", metavar="TEXT", help="Only keys that begin so.  [default: all that is watched]"
)
@click.option("--fix", is_flag=True, help="Queue what is missing, in the lane behind live uploads.")
@click.option("--dry-run", is_flag=True, help="With --fix: only say what it costs.")
@click.option("--yes", is_flag=True, help="With --fix: do it.")
@money_option
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    prefix: str | None,
    fix: bool,
    dry_run: bool,
    yes: bool,
    cents_per_credit: Decimal | None,
    as_json: bool,
    choice: Choice,
) -> int:
    """Hold every object in the uploads bucket against the table.

    Done, in flight, failed and why; missing: an object without a job, fifteen minutes after it was
    written; result-gone: a completed photo whose cut-out was removed; outdated: a completed photo
    whose cut-out was made of a newer version that was deleted; superseded: a job that gave way to
    an upload or deletion that is itself gone. Objects are listed a thousand a request, rows read a
    hundred a request; nothing is downloaded.
    """
    if (dry_run or yes) and not fix:
        raise click.UsageError("--dry-run and --yes go with --fix.")
    price = price_of(surroundings, cents_per_credit)
    with explained():
        stack = surroundings.connect(choice)
        prefix = _watched(stack, prefix)
        with Tally(talk(), surroundings.clock) as tally:
            sums = _survey(stack, surroundings, prefix, tally)
            told = _tell(sums, stack, tally.seconds, as_json=as_json)
            missing = sums.of(Finding.MISSING)
            if fix and missing:
                plan = estimate(stack, surroundings, missing)
                told |= {"plan": plan_as_json(plan, price), "queued": 0}
                if not as_json:
                    print_lines(results(), plan_in_words(plan, price))
                if yes and not dry_run:
                    told["queued"] = feed(stack, surroundings, prefix, tally=tally)
                    talk().print(f"{counted(told['queued'], 'photo')} queued, behind live uploads.")
                else:
                    talk().print("Nothing was queued; `--fix --yes` does it.")
    if as_json:
        print_json(told)
    left = len(sums.troubles) - told.get("queued", 0)
    return 1 if left > 0 else 0


def _watched(stack: Stack, prefix: str | None) -> str:
    watched = stack.upload_prefix()
    if prefix is not None and not prefix.startswith(watched):
        raise Problem(f"{prefix} is not watched.", advice=f"Only keys under {watched} are.")
    return watched if prefix is None else prefix


def _survey(stack: Stack, surroundings: Surroundings, prefix: str, tally: Tally) -> _Sums:
    sums = _Sums()
    survey = survey_of(
        stack, surroundings, lambda what, count: tally.at(f"listed {count:,} {what}")
    )
    for page in survey.look(prefix):
        for found in page:
            sums.add(found)
        text = f"{sums.counts.total():,} objects looked at, {len(sums.troubles):,} in trouble"
        tally.at(text)
    return sums


def _tell(sums: _Sums, stack: Stack, seconds: float, *, as_json: bool) -> dict[str, Any]:
    total = sums.counts.total()
    if not as_json:
        results().print(_table(sums))
        _tell_troubles(sums)
    requests = stack.requests()
    text = ", ".join(f"{count:,} {name}" for name, count in sorted(requests.items()))
    rate = f" ({total / seconds:,.0f} a second)" if seconds >= 1 else ""
    talk().print(
        f"{counted(total, 'object')} in {the_bucket(stack)}, {seconds:.1f} s{rate}; "
        f"requests: {text}",
        style="note",
        soft_wrap=True,
    )
    return {
        "objects": total,
        "seconds": round(seconds, 3),
        "requests": dict(requests),
        "findings": [
            {"finding": finding.value, "reason": reason or None, "count": count}
            for (finding, reason), count in sorted(sums.counts.items())
        ],
        "troubles": [
            {
                "key": one.listed.key,
                "version": one.listed.version_id,
                "finding": one.finding.value,
                "reason": one.reason or None,
                "modified_at": one.listed.modified_at.isoformat(),
            }
            for one in sums.troubles
        ],
    }


def _table(sums: _Sums) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("found")
    table.add_column("objects", justify="right")
    table.add_column("why")
    order = list(Finding)
    for (finding, reason), count in sorted(
        sums.counts.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1])
    ):
        table.add_row(Text(finding, _STYLES.get(finding, "")), f"{count:,}", reason)
    return table


def _tell_troubles(sums: _Sums) -> None:
    for finding, advice in _ADVICE.items():
        keys = [one.listed.key for one in sums.troubles if one.finding is finding]
        if not keys:
            continue
        results().print(f"{finding}: {advice}")
        for key in keys[:_SHOWN]:
            results().print(f"  {key}")
        if len(keys) > _SHOWN:
            talk().print(f"  and {len(keys) - _SHOWN:,} more; `--json` names them all")
