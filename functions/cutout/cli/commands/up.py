"""`cutout up`: start a local cloud that keeps running."""

import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from cutout.cli.context import Context
from cutout.cli.local_cloud import CloudRequest
from cutout.cli.local_options import local_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import json_option
from cutout.cli.output.terminal import print_json, print_lines, stderr, stdout
from cutout.cli.progress.phases import Phases

_USAGE = """\
Endpoint        {AWS_ENDPOINT_URL}
CA bundle       {AWS_CA_BUNDLE}
Access key      {AWS_ACCESS_KEY_ID}
Secret key      {AWS_SECRET_ACCESS_KEY}
Region          {AWS_REGION}
Uploads bucket  {CUTOUT_UPLOADS_BUCKET}
Results bucket  {CUTOUT_RESULTS_BUCKET}
Jobs table      {CUTOUT_JOBS_TABLE}

{env_file} sets all of this for the AWS CLI and any SDK (infra/README.md has more):

    set -a; . {quoted_env_file}; set +a
    aws s3 cp photo.jpg s3://{CUTOUT_UPLOADS_BUCKET}/
    aws s3 ls s3://{CUTOUT_RESULTS_BUCKET}/

`cutout` commands in this project need no set-up: cutout put photo.jpg"""


@click.command(
    "up",
    cls=DocumentedCommand,
    exit_statuses={
        0: "the local cloud is up",
        1: "it could not be started, and nothing is left running; or this is not a checkout",
    },
    example="""
# with more photos at the same time than usual
cutout up -c max_in_flight=10
""",
)
@json_option
@click.pass_obj
@local_options
def command(context: Context, *, request: CloudRequest, live: bool, as_json: bool) -> None:
    """Start a local cloud for this project and deploy the stack to it.

    It runs in the background until `cutout down`. While it is up, `cutout` commands in this project
    use it; .cutout/local.env makes AWS tools use it too. This command needs a checkout of Cutout;
    an installed package has no local cloud.
    """
    console = stderr()
    if context.local.is_up():
        # A running local cloud keeps the settings of its start.
        context.local.check_likeness(request)
        console.print("The local cloud is already up.")
        variables = context.local.variables()
    else:
        phases = Phases(console, context.clock)
        with phases.shown():
            variables = context.local.up(request, phases, stays_up=True)
    env_file = context.local.env_file()
    if live:
        console.print("Live: every photo costs Evolink credits.", style="yellow")
    if as_json:
        print_json(dict(variables))
    else:
        print_lines(stdout(), usage(variables, env_file))


def usage(variables: Mapping[str, str], env_file: Path) -> str:
    """Return how to use the local cloud with these variables, which the file sets."""
    quoted = shlex.quote(str(env_file))
    return _USAGE.format(env_file=env_file, quoted_env_file=quoted, **variables)
