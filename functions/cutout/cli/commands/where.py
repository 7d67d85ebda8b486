"""`cutout where`: the current status of one photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import json_option, stack_options
from cutout.cli.output.describe import job_in_one_line
from cutout.cli.output.gate_text import print_delay
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.problems import explained
from cutout.cli.output.terminal import print_json, stdout
from cutout.cli.photo_names import job_named

if TYPE_CHECKING:
    from cutout.cli.context import Context
    from cutout.cli.options.shared_options import Choice


@click.command(
    "where",
    cls=DocumentedCommand,
    exit_statuses={
        0: "there is a job of the photo, in whatever state",
        1: "there is none",
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
def command(context: Context, *, key: str, as_json: bool, choice: Choice) -> int:
    """Show the current status of KEY (its newest upload).

    One line: state and reason, attempts, cost, the key of the cut-out, what happens next and when.
    KEY may be an s3:// URL of the uploads bucket, or the id of a job.
    """
    with explained():
        stack = context.connect(choice)
        job = job_named(stack, key)
        now = context.clock.now()
        if as_json:
            print_json(job_as_json(job))
        else:
            stdout().print(job_in_one_line(job, now=now))
        print_delay([job], stack.jobs.read_gate, now)
    return 0
