"""Queueing uploads that have no job, slowly, with progress."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.terminal import interruption
from cutout.cli.output.units import counted
from cutout.cli.progress.progress import ProgressLine
from cutout.operator.audit import Audit, Finding


def survey_of(stack: Stack, progress: ProgressLine) -> Audit:
    """Return what compares the uploads bucket with the jobs table, and shows its progress."""
    return replace(
        compose.survey(stack),
        on_listed=lambda what, count: progress.show(f"listed {count:,} {what}"),
    )


def wait_shown(progress: ProgressLine) -> Callable[[int], None]:
    """Return a function that shows that the queue is too long for more messages."""
    return lambda waiting: progress.show(
        f"waiting: about {counted(waiting, 'message')} in the submissions queue"
    )


def enqueue_missing(
    stack: Stack, prefix: str, *, progress: ProgressLine, limit: int | None = None
) -> int:
    """List the objects under a prefix again, queue those without a job, and return how many.

    After an interruption, what was queued stays queued; the next run skips it.
    """
    # Listed again: since the survey, other photos may have come and some may have a job.
    missing = (
        found
        for page in survey_of(stack, progress).look(prefix)
        for found in page
        if found.finding is Finding.MISSING
    )
    queueing = compose.queueing(stack, wait_shown(progress))
    queued = 0
    with interruption(lambda: f"{counted(queued, 'photo')} queued. Run it again for the others."):
        # Queued while it is listed: a bucket may hold millions, and an interruption loses nothing.
        for count in queueing.queue(islice(missing, limit)):
            queued += count
            progress.show(f"queued {counted(queued, 'photo')}")
    return queued
