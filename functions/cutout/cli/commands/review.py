"""`cutout review`: decide on results that failed acceptance."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from cutout.cli import compose
from cutout.cli.options.help_page import DocumentedCommand, DocumentedGroup
from cutout.cli.options.job_filters import filter_options, wanted
from cutout.cli.options.shared_options import (
    LONGEST_SECONDS,
    FiniteRange,
    json_option,
    stack_options,
)
from cutout.cli.output.describe import counted, duration
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import plain_table, print_json, stderr, stdout
from cutout.cli.photo_names import job_named
from cutout.domain.dataclass import dataclass
from cutout.domain.job.review_decision import Verdict
from cutout.domain.states import State
from cutout.operator.review import DoubtfulResult, Recorded, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cutout.cli.aws.deployed_stack import Stack
    from cutout.cli.context import Context
    from cutout.cli.options.shared_options import Choice
    from cutout.cli.options.time_expressions import When
    from cutout.domain.job.job import Job

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


@command.command(
    "list",
    cls=DocumentedCommand,
    exit_statuses={0: "the list is complete, even if it is empty", 1: "an error"},
    example="""
# what to look at, with links that open in a browser for an hour
cutout review list --links
""",
)
@filter_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Up to this many results.",
)
@click.option("--links", is_flag=True, help="Print links that work for an hour, not s3:// URLs.")
@json_option
@stack_options
@click.pass_obj
def list_doubtful(
    context: Context,
    *,
    reasons: Sequence[str],
    prefix: str,
    since: When | None,
    until: When | None,
    limit: int,
    links: bool,
    as_json: bool,
    choice: Choice,
) -> int:
    """List results that wait for a decision, the newest first.

    Each with the reason, what it cost, its age and size, and where the photo and the result are.
    """
    now = context.clock.now()
    which = wanted(
        [State.REVIEW], reasons=reasons, prefix=prefix, since=since, until=until, now=now
    )
    with explained():
        stack = context.connect(choice)
        found = list(islice(compose.reviews(stack).queue(which), limit + 1))
        shown = [_Listed.of(stack, one, now, links=links) for one in found[:limit]]
    if as_json:
        print_json([one.as_json() for one in shown])
    else:
        _print_list(shown)
    if len(found) > limit:
        stderr().print(f"There are more than {counted(limit, 'result')}; see --limit.")
    elif not found:
        stderr().print(f"Nothing waits for a decision on {stack.where}.")
    return 0


@dataclass(frozen=True, kw_only=True)
class _Listed:
    """One line of the list."""

    doubtful: DoubtfulResult
    age: str
    photo: str
    result: str

    @classmethod
    def of(cls, stack: Stack, one: DoubtfulResult, now: datetime, *, links: bool) -> _Listed:
        source, result = one.job.source, one.result
        link = stack.ports.store.link
        return cls(
            doubtful=one,
            age=duration(now - one.since),
            photo=link(source.bucket, source.key, source.version_id) if links else one.photo_url,
            result=link(result.bucket, result.key) if links else one.result_url,
        )

    def as_json(self) -> dict[str, Any]:
        one = self.doubtful
        return {
            **job_as_json(one.job),
            "meaning": one.meaning,
            "since": one.since.isoformat(),
            "photo_url": self.photo,
            "result_url": self.result,
        }


def _print_list(shown: Sequence[_Listed]) -> None:
    if not shown:
        return
    table = plain_table()
    for title in ("photo", "why", "credits", "age", "size", "before", "after"):
        table.add_column(title, overflow="fold")
    for line in shown:
        one = line.doubtful
        size = f"{one.result.width}x{one.result.height}" if one.result.width else "unknown"
        why = one.meaning
        if one.job.decision is not None and one.job.decision.problem is not None:
            why = f"{why} It could not be accepted: {one.job.decision.problem}."
        table.add_row(
            one.job.source.key, why, f"{one.job.credits:g}", line.age, size, line.photo, line.result
        )
    stdout().print(table)


def _decision_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.pass_obj,
        stack_options,
        json_option,
        click.option(
            "--timeout",
            type=FiniteRange(0, LONGEST_SECONDS),
            default=120.0,
            show_default=True,
            metavar="SECONDS",
            help="Stop waiting after this time; the decision is still carried out.",
        ),
        click.argument("names", nargs=-1, required=True, metavar="KEY|JOB..."),
    ):
        function = option(function)
    return function


@command.command(
    "accept",
    cls=DocumentedCommand,
    exit_statuses=_STATUSES,
    example="""
$ cutout review accept shoes/a.jpg
shoes/a.jpg: accepted, s3://cutout-results/shoes/a.png
""",
)
@_decision_options
def accept(
    context: Context, *, names: Sequence[str], timeout: float, as_json: bool, choice: Choice
) -> int:
    """Publish doubtful results as the cut-outs of their photos, free of charge.

    The cut-out gets the photo's metadata, tags and variants, and the event `Cutout Completed` is
    sent. A KEY means its newest upload. Your ARN is recorded; the first decision counts.
    """
    return _decide(context, Verdict.ACCEPT, names, timeout, choice, as_json=as_json)


@command.command(
    "reject",
    cls=DocumentedCommand,
    exit_statuses=_STATUSES,
    example="""
# then claim the refund: `cutout costs` lists what was charged without a cut-out
cutout review reject shoes/a.jpg shoes/b.jpg
""",
)
@_decision_options
def reject(
    context: Context, *, names: Sequence[str], timeout: float, as_json: bool, choice: Choice
) -> int:
    """Reject doubtful results: their jobs fail, and count as charged without a cut-out.

    The results stay under `review/`. A KEY means its newest upload. Your ARN is recorded; the first
    decision counts. `cutout retry` pays for another result.
    """
    return _decide(context, Verdict.REJECT, names, timeout, choice, as_json=as_json)


def _decide(
    context: Context,
    verdict: Verdict,
    names: Sequence[str],
    timeout: float,
    choice: Choice,
    *,
    as_json: bool,
) -> int:
    with explained():
        stack = context.connect(choice)
        jobs = {job.id: job for job in (job_named(stack, name) for name in dict.fromkeys(names))}
        reviews = compose.reviews(stack)
        by = stack.ports.caller()
        recorded = [reviews.decide(job, verdict, by) for job in jobs.values()]
        done = _carried_out(context, stack, recorded, timeout)
    if as_json:
        print_json([{**job_as_json(job), "problem": problem} for job, problem in done])
    for job, problem in done:
        if problem is not None:
            Problem(f"{job.source.key}: {problem}.").show()
        elif not as_json:
            stdout().print(_in_words(job, verdict))
    return 1 if any(problem for _, problem in done) else 0


def _carried_out(
    context: Context, stack: Stack, recorded: Sequence[Recorded], timeout: float
) -> list[tuple[Job, str | None]]:
    """Wait until StoreResult has carried the decisions out; each job with what went wrong."""
    waiting = [one.job for one in recorded if one.problem is None]
    found: dict[str, Job] = {}
    deadline = context.clock.monotonic() + timeout
    while open_jobs := [job for job in waiting if job.id not in found]:
        found |= compose.reviews(stack).carried_out(open_jobs)
        if len(found) == len(waiting) or context.clock.monotonic() >= deadline:
            break
        context.clock.sleep(_PAUSE_SECONDS)
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
