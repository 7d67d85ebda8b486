"""``cutout up``: a local cloud that stays."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from cutout.cli.options.common import json_option
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.local_options import wish_options
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, print_lines, results, talk
from cutout.cli.progress.phases import Phases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cutout.cli.context import Surroundings
    from infra.local.start import Wish

_USAGE = """\
Endpoint        {AWS_ENDPOINT_URL}
CA bundle       {AWS_CA_BUNDLE}
Access key      {AWS_ACCESS_KEY_ID}
Secret key      {AWS_SECRET_ACCESS_KEY}
Region          {AWS_REGION}
Uploads bucket  {CUTOUT_UPLOADS_BUCKET}
Results bucket  {CUTOUT_RESULTS_BUCKET}
Jobs table      {CUTOUT_JOBS_TABLE}

Everything, for the AWS CLI and any SDK, is in {env_file}:

    set -a; . {quoted_env_file}; set +a
    aws s3 cp photo.jpg s3://{CUTOUT_UPLOADS_BUCKET}/
    aws s3 ls s3://{CUTOUT_RESULTS_BUCKET}/

`cutout` commands in this folder use it by themselves: cutout put photo.jpg"""


@click.command(
    "up",
    cls=DocumentedCommand,
    exit_statuses={
        0: "it is up",
        1: "it is not; then nothing is left running",
    },
    example="""
# with more photos at once than usual
cutout up -c max_in_flight=10
""",
)
@json_option
@click.pass_obj
@wish_options
def command(surroundings: Surroundings, *, wish: Wish, live: bool, as_json: bool) -> int:
    """Start a local cloud for this folder and deploy the stack to it.

    It keeps running in the background until `cutout down`. While it is up, `cutout` commands in
    this folder use it; .cutout/local.env makes AWS tools use it too.
    """
    from infra.local.lifecycle import Status  # noqa: PLC0415 - loads slowly

    console = talk()
    with explained():
        status = surroundings.local.status()
        if status is Status.BUSY:
            raise Problem(
                "Another command is at the local cloud of this folder.",
                advice="Wait until it has ended.",
            )
        if status is Status.UP:
            _check_likeness(surroundings, wish)
            console.print("The local cloud is already up.")
            variables = surroundings.local.variables()
        else:
            phases = Phases(console, surroundings.clock)
            with phases.shown():
                variables = surroundings.local.up(wish, phases, stays_up=True)
    if live:
        console.print("Live: every photo costs credits at Evolink.", style="yellow")
    if as_json:
        print_json(dict(variables))
    else:
        print_lines(results(), _usage(variables, surroundings.local.env_file()))
    return 0


def _check_likeness(surroundings: Surroundings, wish: Wish) -> None:
    from infra.local.start import Wish as AnyWish  # noqa: PLC0415 - loads slowly

    asks_for_something = wish.asked != AnyWish().asked
    if asks_for_something and not surroundings.local.is_like(wish):
        raise Problem(
            "The local cloud is already up, with other settings than these.",
            advice="`cutout down` takes it down; then it can be brought up with these.",
        )


def _usage(variables: Mapping[str, str], env_file: Path) -> str:
    quoted = shlex.quote(str(env_file))
    return _USAGE.format(env_file=env_file, quoted_env_file=quoted, **variables)
