"""``cutout where``: how one photo stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.photo_names import job_named
from cutout.cli.output.describe import job_as_json, job_in_one_line
from cutout.cli.output.problems import explained
from cutout.cli.output.terminal import print_json, results

if TYPE_CHECKING:
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice


@click.command(
    "where",
    cls=DocumentedCommand,
    exit_statuses={
        0: "the photo is known, however it stands",
        1: "it is not",
    },
    example="""
$ cutout where shoes/a.jpg
shoes/a.jpg: completed · 1 attempt · 5.4 credits · s3://cutout-results/shoes/a.png · took 8.1 s
""",
)
@click.argument("key")
@json_option
@stack_options
@click.pass_obj
def command(surroundings: Surroundings, *, key: str, as_json: bool, choice: Choice) -> int:
    """Say how the newest upload of KEY stands.

    One line: state and reason, attempts, cost, where the cut-out is, what happens next and when.
    KEY may be an s3:// URL of the uploads bucket, or the id of a job.
    """
    with explained():
        stack = surroundings.connect(choice)
        job = job_named(stack, key)
    if as_json:
        print_json(job_as_json(job))
    else:
        results().print(job_in_one_line(job, now=surroundings.clock.now()))
    return 0
