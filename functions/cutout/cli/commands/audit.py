"""`cutout audit`: find uploads that were never processed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.enqueue import enqueue_missing, survey_of
from cutout.cli.options.job_filters import prefix_option
from cutout.cli.options.price_option import price_option
from cutout.cli.output.money import Price, preview_as_json, preview_in_words
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import (
    plain_table,
    print_first,
    print_json,
    print_lines,
    remark,
    stderr,
    stdout,
)
from cutout.cli.output.units import counted
from cutout.cli.progress.progress import ProgressLine
from cutout.cli.stack_command import stack_command
from cutout.operator.audit import AuditedObject, Finding

_SHOWN = 20
_STYLES = {
    Finding.DONE: "green",
    Finding.IN_FLIGHT: "blue",
    Finding.FAILED: "red",
    Finding.REVIEW: "yellow",
    Finding.REJECTED: "red",
}
_ADVICE = {
    Finding.MISSING: "`cutout audit --fix` queues them at low priority",
    Finding.RESULT_GONE: "the cut-outs were deleted; if by mistake, upload the photos again",
    Finding.OUTDATED: "made from a newer version that was deleted: upload the photos again",
    Finding.SUPERSEDED: "deleted or overwritten, and restored since: upload the photos again",
}


_Counts = Counter[tuple[Finding, str]]


@stack_command(
    "audit",
    {
        0: "every upload has its job, and every completed one its cut-out (or --fix queued it)",
        1: "an upload has no job or no cut-out, or an error",
    },
    """
# from cron: the exit status is 1 if something is missing
cutout audit --json || notify-somebody

# queue the uploads whose event was lost
cutout audit --fix --yes
""",
    counts_requests=True,
)
@prefix_option("Only keys with this prefix.  [default: all watched keys]")
@click.option("--fix", is_flag=True, help="Queue missing uploads at low priority.")
@click.option("--dry-run", is_flag=True, help="With --fix: print the cost, and stop.")
@click.option("--yes", is_flag=True, help="With --fix: queue them.")
@price_option
def command(
    stack: Stack,
    *,
    prefix: str | None,
    fix: bool,
    dry_run: bool,
    yes: bool,
    price: Price,
    as_json: bool,
) -> int:
    """Find uploads that were never processed.

    Compares every object in the uploads bucket with the jobs table. Findings: done; in
    progress (`in-flight` in JSON); failed, review and rejected, with the reason; missing: an object
    that has no job 15 minutes after it was written; result-gone: a completed photo whose cut-out
    was deleted; outdated: a completed photo whose cut-out was made from a newer version that was
    deleted; superseded: a job that was replaced by an upload or deletion that is itself gone. A
    request lists 1,000 objects or reads 100 jobs; nothing is downloaded.
    """
    if (dry_run or yes) and not fix:
        raise click.UsageError("--dry-run and --yes go with --fix.")
    prefix = _watched(stack, prefix)
    with ProgressLine(stack.clock) as progress:
        counts, troubles = _survey(stack, prefix, progress)
        if not as_json:
            stdout().print(_table(counts))
            _print_troubles(troubles)
        report = _report(counts, troubles, stack, progress.seconds)
        missing = sum(one.finding is Finding.MISSING for one in troubles)
        if fix and missing:
            preview = compose.estimate(stack, missing)
            report |= {"plan": preview_as_json(preview, price), "queued": 0}
            if not as_json:
                print_lines(stdout(), preview_in_words(preview, price))
            if yes and not dry_run:
                report["queued"] = enqueue_missing(stack, prefix, progress=progress)
                stderr().print(f"{counted(report['queued'], 'photo')} queued at low priority.")
            else:
                stderr().print("Dry run: nothing was queued. Add `--yes` to queue them.")
    if as_json:
        print_json(report)
    # What was queued is not done yet, but no longer forgotten.
    left = len(troubles) - report.get("queued", 0)
    return 1 if left > 0 else 0


def _watched(stack: Stack, prefix: str | None) -> str:
    watched = stack.upload_prefix()
    if prefix is not None and not prefix.startswith(watched):
        raise Problem(f"{prefix} is not watched.", advice=f"The watched prefix is {watched}.")
    return watched if prefix is None else prefix


def _survey(
    stack: Stack, prefix: str, progress: ProgressLine
) -> tuple[_Counts, list[AuditedObject]]:
    """Count the objects by finding and reason; return those with a problem, too."""
    counts: _Counts = Counter()
    troubles = []
    for page in survey_of(stack, progress).look(prefix):
        for found in page:
            counts[found.finding, found.reason] += 1
            if found.finding.is_trouble:
                troubles.append(found)
        compared = f"{counted(counts.total(), 'object')} compared"
        progress.show(f"{compared}, {len(troubles):,} with a problem")
    return counts, troubles


def _report(
    counts: _Counts, troubles: Sequence[AuditedObject], stack: Stack, seconds: float
) -> dict[str, Any]:
    total = counts.total()
    rate = f" ({total / seconds:,.0f} a second)" if seconds >= 1 else ""
    where = f"s3://{stack.outputs.uploads_bucket} on {stack.where}"
    remark(f"{counted(total, 'object')} in {where}, {seconds:.1f} s{rate}")
    return {
        "objects": total,
        "seconds": round(seconds, 3),
        "requests": dict(stack.requests()),
        "findings": [
            {"finding": finding.value, "reason": reason or None, "count": count}
            for (finding, reason), count in sorted(counts.items())
        ],
        "troubles": [
            {
                "key": one.listed.key,
                "version": one.listed.version_id,
                "finding": one.finding.value,
                "reason": one.reason or None,
                "modified_at": one.listed.modified_at.isoformat(),
            }
            for one in troubles
        ],
    }


def _table(counts: _Counts) -> Table:
    table = plain_table("finding", "objects", "reason", right=("objects",))
    order = list(Finding)
    for (finding, reason), count in sorted(
        counts.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1])
    ):
        style = "bold red" if finding.is_trouble else _STYLES.get(finding, "")
        name = "in progress" if finding is Finding.IN_FLIGHT else finding
        table.add_row(Text(name, style), f"{count:,}", reason)
    return table


def _print_troubles(troubles: Sequence[AuditedObject]) -> None:
    for finding, advice in _ADVICE.items():
        if keys := [one.listed.key for one in troubles if one.finding is finding]:
            stdout().print(f"{finding}: {advice}")
            print_first(stdout(), keys, _SHOWN, rest="`--json` lists all")
