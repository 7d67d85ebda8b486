"""``cutout where``: how one photo stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cutout.cli.describe import job_as_json, job_in_one_line
from cutout.cli.manual import DocumentedCommand
from cutout.cli.options import json_option, stack_options
from cutout.cli.problems import Problem, explained
from cutout.cli.terminal import print_json, results

if TYPE_CHECKING:
    from cutout.cli.surroundings import Surroundings
    from cutout.cli.target import Choice


@click.command(
    "where",
    cls=DocumentedCommand,
    exit_statuses={
        0: "the photo is known, however it stands",
        1: "it is not",
    },
    example="""
$ cutout where shoes/a.jpg
shoes/a.jpg: completed · 5.4 credits · s3://cutout-results/shoes/a.png · took 8.1 s, 2 min ago
""",
)
@click.argument("key")
@json_option
@stack_options
@click.pass_obj
def command(surroundings: Surroundings, *, key: str, as_json: bool, choice: Choice) -> int:
    """Say how the newest upload of KEY stands.

    One line: state and reason, attempts, cost, where the cut-out is, what happens next and when.
    KEY may be an s3:// URL of the uploads bucket.
    """
    with explained():
        stack = surroundings.connect(choice)
        key = _key_of(key, stack.outputs.uploads_bucket)
        job = stack.newest(key)
    if job is None:
        raise Problem(
            f"Nothing is known of {key} on {stack.where}.",
            advice="`cutout ls` shows what is known; `cutout put` uploads.",
        )
    if as_json:
        print_json(job_as_json(job))
    else:
        results().print(job_in_one_line(job, now=surroundings.clock.now()))
    return 0


def _key_of(text: str, uploads_bucket: str) -> str:
    if not text.startswith("s3://"):
        return text
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if bucket != uploads_bucket:
        raise Problem(
            f"{bucket} is not the uploads bucket of this stack.",
            advice=f"That is {uploads_bucket}; `--stack NAME` names another stack.",
        )
    return key
