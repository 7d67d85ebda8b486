"""`cutout review`: decide on results that failed acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.options.help_page import DocumentedGroup
from cutout.cli.options.job_filters import filter_options
from cutout.cli.options.shared_options import limit_option, timeout_option
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import plain_table, print_json, stderr, stdout
from cutout.cli.output.units import counted, duration
from cutout.cli.photo_names import job_named
from cutout.cli.stack_command import stack_command
from cutout.domain.job.job import Job
from cutout.domain.job.result import Verdict
from cutout.domain.states import State
from cutout.operator.list_jobs import JobFilter
from cutout.operator.review import DoubtfulResult, Recorded, outcome_of

if TYPE_CHECKING:
    from rich.table import Table

_PAUSE_SECONDS = 0.5
_STATUSES = {
    0: "every decision is carried out",
    1: "one is not; the message says why",
}


@click.group(
    "review",
    cls=DocumentedGroup,
    exit_statuses=_STATUSES,
    example="""
$ cutout review list
photo         why                                                             credits  age  result
shoes/a.jpg   The result has no transparent pixels: nothing was cut out.      5.4      2 h  s3://[...]
$ cutout review accept shoes/a.jpg
shoes/a.jpg: accepted, s3://cutout-results/shoes/a.png
""",
)
def command() -> None:
    """Accept or reject results that failed acceptance.

    A job in `review` was paid for, but its result is doubtful: it is kept under `review/` in the
    results bucket. Decide with `cutout review accept` or `cutout review reject`; both are free of
    charge. `cutout retry` pays for another result.
    """


@stack_command(
    "list",
    {0: "the list is complete, even if it is empty", 1: "an error"},
    """
# what to look at, with links that open in a browser for an hour
cutout review list --links
""",
)
@filter_options()
@limit_option("results")
@click.option("--links", is_flag=True, help="Print links that work for an hour, not s3:// URLs.")
def list_doubtful(
    stack: Stack, *, wanted: JobFilter, limit: int, links: bool, as_json: bool
) -> None:
    """List results that wait for a decision, the newest first.

    Each with the reason, what it cost, its age and size, and where the photo and the result are.
    """
    now = stack.clock.now()
    which = replace(wanted, states=(State.REVIEW,))
    found = list(islice(compose.reviews(stack).queue(which), limit + 1))
    shown = [(one, *_addresses(stack, one, links=links)) for one in found[:limit]]
    if as_json:
        print_json([_as_json(*line) for line in shown])
    elif shown:
        stdout().print(_table(shown, now))
    if len(found) > limit:
        stderr().print(f"There are more than {counted(limit, 'result')}; see --limit.")
    elif not found:
        stderr().print(f"Nothing waits for a decision on {stack.where}.")


def _addresses(stack: Stack, one: DoubtfulResult, *, links: bool) -> tuple[str, str]:
    """Return where the photo and the result are."""
    source, result, link = one.job.source, one.result, stack.ports.store.link
    if not links:
        return f"s3://{source.bucket}/{source.key}", f"s3://{result.bucket}/{result.key}"
    photo = link(source.bucket, source.key, source.version_id)
    return photo, link(result.bucket, result.key)


def _as_json(one: DoubtfulResult, photo: str, result: str) -> dict[str, Any]:
    facts = {"meaning": one.reason.meaning, "since": one.job.updated_at.isoformat()}
    return {**job_as_json(one.job), **facts, "photo_url": photo, "result_url": result}


def _table(shown: Sequence[tuple[DoubtfulResult, str, str]], now: datetime) -> Table:
    columns = ("photo", "why", "credits", "age", "size", "before", "after")
    table = plain_table(*columns, fold=columns)
    for one, photo, result in shown:
        size = f"{one.result.width}x{one.result.height}" if one.result.width else "unknown"
        why, age = one.reason.meaning, duration(now - one.job.updated_at)
        if one.job.decision is not None and one.job.decision.problem is not None:
            why = f"{why} It could not be accepted: {one.job.decision.problem}."
        table.add_row(one.job.source.key, why, f"{one.job.credits:g}", age, size, photo, result)
    return table


_names = click.argument("names", nargs=-1, required=True, metavar="KEY|JOB...")
_timeout = timeout_option(
    "Stop waiting after this time; the decision is still carried out.", default=120.0
)


@stack_command(
    "accept",
    _STATUSES,
    """
$ cutout review accept shoes/a.jpg
shoes/a.jpg: accepted, s3://cutout-results/shoes/a.png
""",
)
@_names
@_timeout
def accept(stack: Stack, *, names: Sequence[str], timeout: float, as_json: bool) -> int:
    """Publish doubtful results as the cut-outs of their photos, free of charge.

    The cut-out gets the photo's metadata, tags and variants, and the event `Cutout Completed` is
    sent. A KEY means its newest upload. Your ARN is recorded; the first decision counts.
    """
    return _decide(stack, Verdict.ACCEPT, names, timeout, as_json=as_json)


@stack_command(
    "reject",
    _STATUSES,
    """
# then claim the refund: `cutout costs` lists what was charged without a cut-out
cutout review reject shoes/a.jpg shoes/b.jpg
""",
)
@_names
@_timeout
def reject(stack: Stack, *, names: Sequence[str], timeout: float, as_json: bool) -> int:
    """Reject doubtful results: their jobs fail, and count as charged without a cut-out.

    The results stay under `review/`. A KEY means its newest upload. Your ARN is recorded; the first
    decision counts. `cutout retry` pays for another result.
    """
    return _decide(stack, Verdict.REJECT, names, timeout, as_json=as_json)


command.add_command(list_doubtful)
command.add_command(accept)
command.add_command(reject)


def _decide(
    stack: Stack, verdict: Verdict, names: Sequence[str], timeout: float, *, as_json: bool
) -> int:
    jobs = {job.id: job for job in (job_named(stack, name) for name in dict.fromkeys(names))}
    reviews = compose.reviews(stack)
    by = stack.ports.caller()
    recorded = [reviews.decide(job, verdict, by) for job in jobs.values()]
    done = _carried_out(stack, recorded, timeout)
    if as_json:
        print_json([{**job_as_json(job), "problem": problem} for job, problem in done])
    for job, problem in done:
        if problem is not None:
            Problem(f"{job.source.key}: {problem}.").show()
        elif not as_json:
            stdout().print(_in_words(job, verdict))
    return 1 if any(problem for _, problem in done) else 0


def _carried_out(
    stack: Stack, recorded: Sequence[Recorded], timeout: float
) -> list[tuple[Job, str | None]]:
    """Wait until StoreResult has carried the decisions out; each job with what went wrong."""
    waiting = [one.job for one in recorded if one.problem is None]
    found: dict[str, Job] = {}
    deadline = stack.clock.monotonic() + timeout
    while open_jobs := [job for job in waiting if job.id not in found]:
        found |= compose.reviews(stack).carried_out(open_jobs)
        if len(found) == len(waiting) or stack.clock.monotonic() >= deadline:
            break
        stack.clock.sleep(_PAUSE_SECONDS)
    return [_outcome(one, found) for one in recorded]


def _outcome(one: Recorded, found: dict[str, Job]) -> tuple[Job, str | None]:
    decision = one.job.decision
    if one.problem is not None or decision is None:
        return one.job, one.problem
    job = found.get(one.job.id, one.job)
    return job, outcome_of(job, decision)


def _in_words(job: Job, verdict: Verdict) -> str:
    result = job.result
    if verdict is Verdict.REJECT or result is None:
        return f"{job.source.key}: rejected, {job.credits:g} credits without a cut-out"
    return f"{job.source.key}: accepted, s3://{result.bucket}/{result.key}"
