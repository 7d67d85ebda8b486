"""`cutout show`: the history of one photo."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output import job_text
from cutout.cli.output.gate_text import print_delay
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.next_step import next_step
from cutout.cli.output.terminal import print_json, stdout
from cutout.cli.output.timeline import is_shortened, step_as_json, timeline
from cutout.cli.output.units import exact_duration, size_text
from cutout.cli.photo_names import job_named
from cutout.cli.stack_command import stack_command
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.sanitize import plain

_OTHERS_SHOWN = 5
_WIDTH = 100
_DIM = "bright_black"


@stack_command(
    "show",
    {0: "there is a job of the photo, in whatever state", 1: "there is none"},
    """
# why did this one take so long, and what did it cost?
cutout show shoes/a.jpg
""",
)
@click.argument("photo", metavar="JOB|KEY")
def command(stack: Stack, *, photo: str, as_json: bool) -> None:
    """Show the whole history of a photo.

    Every step with its time, length and reason, every attempt with its task and credits, the
    result, the event, and the other uploads of the key. JOB is the id of a job, as in logs, events
    and metadata; KEY means its newest upload, and may be an s3:// URL.
    """
    now = stack.clock.now()
    job = job_named(stack, photo)
    # One more than is shown, as the job itself may be among them.
    uploads = stack.uploads_of(job.source.key, _OTHERS_SHOWN + 1)
    others = [other for other in uploads if other.id != job.id][:_OTHERS_SHOWN]
    if as_json:
        print_json(_as_json(job, others, now))
    else:
        console = stdout()
        # Longer lines are hard to read; their text is folded.
        console.width = min(console.width, _WIDTH)
        for part in _parts(job, others, now):
            console.print(part)
    print_delay([job], stack.jobs.read_gate, now)


def _as_json(job: Job, others: Sequence[Job], now: datetime) -> dict[str, Any]:
    return job_as_json(job) | {
        "announced": job.is_announced,
        "timeline": [step_as_json(one) for one in timeline(job, now)],
        "other_uploads": [{"job": it.id, "state": it.state.value} for it in others],
    }


def _parts(job: Job, others: Sequence[Job], now: datetime) -> Iterator[RenderableType]:
    yield _headline(job, now)
    yield _facts(job)
    yield ""
    if is_shortened(job):
        yield Text("  earlier steps are not stored; a job stores the latest", _DIM)
    yield _steps(job, now)
    if job.attempts:
        yield ""
        yield _attempts(job.attempts)
    yield ""
    yield _end(job, others, now)


def _headline(job: Job, now: datetime) -> Text:
    took = job_text.lasted(job) if job.state.is_settled else now - job.created_at
    spent = f"{job_text.attempts_made(job)} · {job.credits:g} credits · {exact_duration(took)}"
    return Text.assemble(
        (plain(job.source.key), "bold"),
        "   ",
        job_text.state_text(job.state.value),
        (f" · {spent}", _DIM),
    )


def _facts(job: Job) -> Text:
    facts = [f"job {job.id}", f"uploaded {job.created_at:%Y-%m-%d %H:%M:%S} UTC"]
    if job.photo:
        facts.append(f"{job.photo.format} {job.photo.width} x {job.photo.height}")
    facts.append(size_text(job.source.size))
    return Text(" · ".join(facts), _DIM)


def _steps(job: Job, now: datetime) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 1))
    table.add_column(style=_DIM, no_wrap=True)
    table.add_column(justify="right", style=_DIM, no_wrap=True, min_width=9)
    table.add_column(no_wrap=True)
    table.add_column(min_width=11, no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(justify="right", style=_DIM, no_wrap=True)
    moments = timeline(job, now)
    is_of_one_day = len({one.at.date() for one in moments}) == 1
    for number, one in enumerate(moments):
        mark = "●" if number == len(moments) - 1 else "│"
        table.add_row(
            f"{one.at:%H:%M:%S}" if is_of_one_day else f"{one.at:%m-%d %H:%M:%S}",
            f"+{exact_duration(one.since_start)}",
            Text(mark, job_text.state_text(one.state.value).style),
            job_text.state_text(one.state.value),
            one.text,
            "" if one.lasted is None else f"for {exact_duration(one.lasted)}",
        )
    return table


def _attempts(attempts: Sequence[Attempt]) -> Group:
    """Return a line for each attempt, with the provider's message below."""
    head = f" {'attempt':>7}  {'at':8}  {'calls':>5}  {'outcome':9}  {'credits':>12}  task"
    parts: list[RenderableType] = [Text(head, _DIM)]
    for one in attempts:
        facts = f" {one.number:>7}  {one.started_at:%H:%M:%S}  {one.posts:>5}  {one.outcome:9}"
        parts.append(Text(f"{facts}  {job_text.attempt_cost(one):>12}  {plain(one.task_id or '')}"))
        if message := _message(one):
            parts.append(Padding(message, (0, 0, 0, 10)))
    return Group(*parts)


def _end(job: Job, others: Sequence[Job], now: datetime) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 1))
    table.add_column(style=_DIM, no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    if why := job_text.explanation(job):
        table.add_row("reason", why)
    if job.result:
        size = f"{job.result.width} x {job.result.height}, {size_text(job.result.size)}"
        table.add_row("result", f"s3://{job.result.bucket}/{job.result.key}   {size}")
    for number, variant in enumerate(job.variants):
        table.add_row("" if number else "variants", _variant(variant))
    if job.reused:
        saved = f"{job.reused.credits_saved:g} credits saved"
        table.add_row("reused", f"from job {job.reused.job_id}   {saved}")
    if job.state.is_settled:
        table.add_row("event", job_text.event_text(job))
    if step := next_step(job):
        table.add_row("next", f"{step.what}{_when(step.at, now)}")
    for number, other in enumerate(others):
        line = f"{other.id}  {other.state}  {other.created_at:%Y-%m-%d %H:%M:%S}"
        table.add_row("" if number else "other uploads", line)
    return table


def _when(at: datetime | None, now: datetime) -> str:
    """Return the latest time of the next step; what is overdue is done by the next Sweep."""
    if at is None:
        return ""
    if at <= now:
        return f", within a minute (due at {at:%H:%M:%S} UTC)"
    day = "" if at.date() == now.date() else f"{at:%Y-%m-%d} "
    return f", at {day}{at:%H:%M:%S} UTC, in {exact_duration(at - now)}"


def _variant(variant: Variant) -> str:
    if variant.key is None:
        return f"{variant.recipe}: none, {variant.problem}"
    size = f"{variant.width} x {variant.height}, {size_text(variant.size)}"
    return f"{variant.recipe}: {variant.key}   {size}"


def _message(attempt: Attempt) -> Text:
    message = " ".join(": ".join(it for it in (attempt.code, attempt.message) if it).split())
    notes = [message] if message else []
    if attempt.is_replayed:
        notes.append("the provider reported a replay: not charged again")
    text = Text(plain("; ".join(notes)))
    if attempt.is_possible_double_charge:
        text.append(f"{'; ' if notes else ''}possible double charge", "bold yellow")
    return text
