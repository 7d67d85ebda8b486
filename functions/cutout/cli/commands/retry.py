"""``cutout retry``: a photo once more, on a person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli.describe import job_as_json, job_in_one_line
from cutout.cli.manual import DocumentedCommand
from cutout.cli.options import json_option, stack_options
from cutout.cli.problems import Problem, explained
from cutout.cli.terminal import print_json, results, talk
from cutout.errors import IllegalMoveError, JobMovedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cutout.cli.stack import Stack
    from cutout.cli.surroundings import Surroundings
    from cutout.cli.target import Choice
    from cutout.job import Job


@click.command(
    "retry",
    cls=DocumentedCommand,
    exit_statuses={0: "every photo is queued again", 1: "one is not; it says why"},
    example="""
$ cutout retry shoes/a.jpg
shoes/a.jpg: queued (retried by person) · 0 credits
""",
)
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option("--dry-run", is_flag=True, help="Only say what would be retried.")
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    keys: Sequence[str],
    dry_run: bool,
    as_json: bool,
    choice: Choice,
) -> int:
    """Submit failed, rejected or reviewed photos again.

    The newest upload of each KEY gets a new attempt, which costs about 5.4 credits if the provider
    takes it.
    """
    with explained():
        stack = surroundings.connect(choice)
        jobs = [_retried(stack, key, dry_run=dry_run) for key in keys]
    if as_json:
        print_json([job_as_json(job) for job in jobs])
    else:
        for job in jobs:
            results().print(job_in_one_line(job, now=surroundings.clock.now()))
    if dry_run:
        talk().print(f"Nothing was done: {len(jobs)} would be retried.", style="note")
    return 0


def _retried(stack: Stack, key: str, *, dry_run: bool) -> Job:
    job = stack.newest(key)
    if job is None:
        raise Problem(f"Nothing is known of {key} on {stack.where}.", advice="See `cutout ls`.")
    try:
        return job if dry_run else stack.operate().retry(job)
    except IllegalMoveError as error:
        raise Problem(
            f"{key} is {job.state}: only failed, rejected and reviewed photos are retried.",
        ) from error
    except JobMovedError as error:
        raise Problem(
            f"{key} moved just now.", advice="See `cutout where` and try again."
        ) from error
