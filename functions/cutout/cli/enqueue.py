"""Queueing uploads that have no job, slowly, and saying how far it is."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from cutout.cli.output.terminal import talk
from cutout.operator.audit import Audit, Finding
from cutout.operator.backfill import MissingUploads, QueuePacer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cutout.cli.aws.stack import Stack
    from cutout.cli.context import Surroundings
    from cutout.cli.progress.progress import Tally


def the_bucket(stack: Stack) -> str:
    """Return the uploads bucket and where it is, in words."""
    return f"s3://{stack.outputs.uploads_bucket} on {stack.where}"


def survey_of(stack: Stack, surroundings: Surroundings, tell: Callable[[str, int], None]) -> Audit:
    """Return what holds the uploads bucket against the table."""
    return Audit(
        uploads=stack.objects(stack.outputs.uploads_bucket),
        results=stack.objects(stack.outputs.results_bucket),
        records=stack.records(),
        clock=surroundings.clock,
        rules=stack.rules(),
        tell=tell,
    )


def pace_of(stack: Stack, surroundings: Surroundings, tally: Tally) -> QueuePacer:
    """Return what holds back while the queue is long, and says so."""

    def tell(standing: int) -> None:
        tally.at(f"waits: about {standing:,} messages stand in the queue")

    return QueuePacer(intake=stack.intake(), sleep=surroundings.clock.sleep, tell=tell)


def feed(
    stack: Stack,
    surroundings: Surroundings,
    prefix: str,
    *,
    tally: Tally,
    limit: int | None = None,
) -> int:
    """Look at the objects under a prefix anew, queue those without a job, and return how many.

    What was queued stays queued should it break off; the next run passes it over.
    """
    survey = survey_of(
        stack, surroundings, lambda what, count: tally.at(f"listed {count:,} {what}")
    )
    missing = (
        found for page in survey.look(prefix) for found in page if found.finding is Finding.MISSING
    )
    queueing = MissingUploads(
        uploads=survey.uploads, intake=stack.intake(), pace=pace_of(stack, surroundings, tally)
    )
    queued = 0
    try:
        for count in queueing.queue(islice(missing, limit)):
            queued += count
            tally.at(f"queued {queued:,} photos")
    except BaseException:
        talk().print(f"Broke off: {queued:,} are queued. Run it again for the others.")
        raise
    return queued
