"""`cutout where`: the current status of one photo."""

import click

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.gate_text import print_delay
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.next_step import job_in_one_line
from cutout.cli.output.terminal import print_json, stdout
from cutout.cli.photo_names import job_named
from cutout.cli.stack_command import stack_command


@stack_command(
    "where",
    {0: "there is a job of the photo, in whatever state", 1: "there is none"},
    """
$ cutout where shoes/a.jpg
shoes/a.jpg: completed · 1 attempt · 5.4 credits · s3://cutout-results/shoes/a.png · took 8.1 s
""",
)
@click.argument("key")
def command(stack: Stack, *, key: str, as_json: bool) -> None:
    """Show the current status of KEY (its newest upload).

    One line: state and reason, attempts, cost, the key of the cut-out, what happens next and when.
    KEY may be an s3:// URL of the uploads bucket, or the id of a job.
    """
    job = job_named(stack, key)
    now = stack.clock.now()
    if as_json:
        print_json(job_as_json(job))
    else:
        stdout().print(job_in_one_line(job, now=now))
    print_delay([job], stack.jobs.read_gate, now)
