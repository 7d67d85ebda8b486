"""`cutout redrive`: list dead letters and send them back."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import click
from rich.progress import Progress

from cutout.cli.aws.dead_letter_queues import SqsLetters
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.dead_letters import (
    DeadLetterQueue,
    LetterGroup,
    dead_letter_queues,
    grouped,
    read_letter,
)
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import print_json, remark, stderr, stdout
from cutout.cli.output.units import counted, duration, first_of
from cutout.cli.stack_command import stack_command
from cutout.domain.dataclass import dataclass

_BATCH = 10
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class QueueReport:
    """A dead-letter queue and its messages.

    Attributes:
        seen: the number of messages that were read.
        moved: the number of messages that left the queue.
        refused: why SQS did not accept others.
    """

    dead: DeadLetterQueue
    seen: int
    groups: Sequence[LetterGroup]
    moved: int = 0
    refused: Sequence[str] = ()


@stack_command(
    "redrive",
    {
        0: "there are no dead letters, or all were sent back or deleted",
        1: "some are left, or an error",
    },
    """
# list the messages that failed, then send them back after the cause is fixed
cutout redrive
cutout redrive --yes
""",
    is_impatient=True,
)
@click.option("--yes", is_flag=True, help="Send the messages back (with --purge: delete them).")
@click.option("--purge", is_flag=True, help="Delete instead of sending back; requires --yes.")
@click.option("--dry-run", is_flag=True, help="Only list, whatever other options say.")
@click.option(
    "--queue", "wanted", metavar="NAME", help="Only queues whose name contains this text."
)
@click.option(
    "--look",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Read up to this many messages of each queue.",
)
def command(
    stack: Stack,
    *,
    yes: bool,
    purge: bool,
    dry_run: bool,
    wanted: str | None,
    look: int,
    as_json: bool,
) -> int:
    """List dead letters, and send them back to their queues.

    Dead letters are messages that failed five times, and uploads that EventBridge could not
    deliver. They are grouped by what they request and by the state of the job. Each is sent before
    it is deleted, so that an interruption loses none. A message that SQS does not accept stays in
    its queue, with the reason printed; the others are sent.
    """
    acts = yes and not dry_run
    queues = dead_letter_queues(stack.resources)
    dead = [one for one in queues if (wanted or "") in one.queue.title]
    if wanted and not dead:
        raise Problem(f"No dead-letter queue has a name with {wanted}.")
    reports = [_read(stack, one, look) for one in dead]
    if acts and purge and not wanted:
        _check_only_traces(reports)
    if acts:
        reports = [_emptied(stack.resources.messages, report, purge=purge) for report in reports]
    if as_json:
        print_json([_as_json(report) for report in reports])
    else:
        _print(reports, stack.clock.now())
    left = sum(one.dead.queue.count - one.moved - len(one.refused) for one in reports)
    refused = Counter(why for report in reports for why in report.refused)
    for why, count in refused.most_common():
        stderr().print(f"SQS did not accept {_letters(count)}, which stay in their queue: {why}")
    if left and not acts:
        verb = "deletes" if purge else "sends back"
        remark(f"Dry run: `--yes` {verb} {_letters(left)}.")
    elif left > 0:
        stderr().print(
            f"{_letters(left)} could not be received: another consumer has them. Run it again."
        )
    return 1 if left > 0 or refused else 0


def _check_only_traces(reports: Sequence[QueueReport]) -> None:
    """Refuse to delete the only trace of an upload, unless its queue is named."""
    lost = sum(group.count for one in reports for group in one.groups if group.is_only_trace)
    if lost:
        raise Problem(
            f"{lost} of these messages are the only trace of an upload, whose photo would be lost.",
            advice="Send them back with `--yes`, or name the queue with `--queue` to delete them.",
        )


def _read(stack: Stack, dead: DeadLetterQueue, limit: int) -> QueueReport:
    # An empty queue is not read: a request waits a second for a message.
    if not dead.queue.count:
        return QueueReport(dead=dead, seen=0, groups=())
    requests = [
        read_letter(letter) for letter in stack.resources.messages.look(dead.queue.url, limit)
    ]
    found = stack.index.find_all([one.job_id for one in requests if one.job_id])
    groups = grouped(requests, {job.id: job for job in found})
    return QueueReport(dead=dead, seen=len(requests), groups=groups)


def _emptied(messages: SqsLetters, report: QueueReport, *, purge: bool) -> QueueReport:
    """Move as many messages as were counted: one that fails again is not moved twice."""
    queue, done, refused = report.dead.queue, 0, list[str]()
    with Progress(console=stderr(), transient=True) as progress:
        bar = progress.add_task(queue.title, total=queue.count)
        # A message that is sent back and fails at once is a dead letter again: a loop until the
        # queue is empty might never end.
        while done < queue.count:
            most = min(_BATCH, queue.count - done)
            if purge:
                some = messages.purge(queue.url, most)
            else:
                some = messages.move(queue.url, report.dead.goes_back_to, most)
            if not some.count:
                break
            done += some.count
            refused += some.refused
            progress.update(bar, completed=done)
    return replace(report, moved=done - len(refused), refused=refused)


def _print(reports: Sequence[QueueReport], now: datetime) -> None:
    console = stdout()
    if not any(report.dead.queue.count for report in reports):
        stderr().print("There are no dead letters.")
        return
    for report in reports:
        if not report.dead.queue.count:
            continue
        count = report.dead.queue.count
        back = report.dead.goes_back_to.rpartition(":")[2]
        done = f", {report.moved} gone" if report.moved else ""
        console.print(f"{report.dead.queue.title}: {_letters(count)}{done}; back to {back}")
        for group in report.groups:
            _print_group(group, now)
        if report.seen < count - report.dead.queue.in_flight:
            console.print(f"  read {report.seen} of {count}; `--look` reads more")


def _print_group(group: LetterGroup, now: datetime) -> None:
    console = stdout()
    age = f"oldest {duration(now - group.oldest)}, received up to {group.received} times"
    console.print(f"  {group.count} x {group.why}")
    for line in (age, first_of(group.photos, _NAMED), group.then):
        console.print(f"      {line}")


def _as_json(report: QueueReport) -> dict[str, Any]:
    return {
        "queue": report.dead.queue.title,
        "name": report.dead.queue.name,
        "goes_back_to": report.dead.goes_back_to.rpartition(":")[2],
        "count": report.dead.queue.count,
        "looked_into": report.seen,
        "gone": report.moved,
        "refused": list(report.refused),
        "groups": [
            {**asdict(group), "oldest": group.oldest.isoformat()} for group in report.groups
        ],
    }


def _letters(count: int) -> str:
    return counted(count, "dead letter")
