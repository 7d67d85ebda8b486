"""`cutout demo`: cut out photos on a temporary local cloud."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from cutout.cli.context import Context
from cutout.cli.local_cloud import CloudRequest, shipped_photos
from cutout.cli.local_options import local_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import Choice, json_option, out_option, timeout_option
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import print_json, print_lines, stderr, stdout
from cutout.cli.output.units import counted
from cutout.cli.photo_files import select_photos
from cutout.cli.progress.phases import Phases
from cutout.cli.round_trip.upload_and_download import (
    RoundTrip,
    delivery_as_json,
    print_delivery,
)
from cutout.cli.round_trip.upload_plan import Action, PlannedPhoto
from cutout.wiring.chosen_provider import terms

_PHOTOS = "photos"
_DOWN = "down"


@click.command(
    "demo",
    cls=DocumentedCommand,
    exit_statuses={
        0: "every photo is completed",
        1: "one is not, the local cloud did not start, or this is not a checkout",
    },
    example="""
cutout demo ~/pictures/cat.jpg --out cat
""",
)
@click.argument(
    "paths", metavar="[PHOTO]...", nargs=-1, type=click.Path(exists=True, path_type=Path)
)
@out_option("the cut-outs and index.html")
@timeout_option("How long to wait for the photos.", least=1, default=300.0)
@click.option("--yes", is_flag=True, help="With --live: spend credits without asking.")
@json_option
@click.pass_obj
@local_options
def command(
    context: Context,
    *,
    paths: Sequence[Path],
    out: Path,
    timeout: float,
    yes: bool,
    as_json: bool,
    request: CloudRequest,
    live: bool,
) -> int:
    """Cut out photos on a local cloud that runs as long as this command.

    Starts an embedded AWS, deploys the stack to it with the CDK, uploads the photos (by default
    those that come with the project), shows the state of each, downloads the cut-outs, and writes
    index.html with each photo before and after. Then it stops everything.

    A local cloud that `cutout up` started in this project is used instead, and keeps running, if it
    has the settings that the options ask for.

    This command needs a checkout of Cutout; an installed package has no local cloud.
    """
    console = stderr()
    photos = select_photos(paths or shipped_photos()).photos
    if not photos:
        raise Problem("These files and folders contain no photos.")
    # Before the question for credits: a cloud that cannot be used costs nothing.
    is_up = context.local.is_up()
    if is_up:
        _check_running_cloud(context, request)
    if live and not yes:
        _ask(context, len(photos))
    phases = Phases(console, context.clock)
    with _local_cloud(context, request, phases, is_up=is_up):
        stack = context.connect(Choice(stack=request.stack))
        delivery = RoundTrip(stack=stack, console=console)
        with phases.phase(_PHOTOS) as set_note:
            prefix = stack.upload_prefix()
            plan = [
                PlannedPhoto(photo=replace(photo, key=prefix + photo.key), action=Action.UPLOAD)
                for photo in photos
            ]
            delivered = delivery.deliver(delivery.begin(plan), out, timeout_seconds=timeout)
            done = sum(one.photo.is_completed for one in delivered)
            set_note(f"{done} of {len(photos)} completed")
        from cutout.cli.round_trip.contact_sheet import contact_sheet  # noqa: PLC0415 - needs Pillow and jinja2

        out.mkdir(parents=True, exist_ok=True)
        sheet = out / "index.html"
        page = contact_sheet(delivered, made_at=context.clock.now())
        sheet.write_text(page, encoding="utf-8")
    if as_json:
        print_json(
            {"photos": delivery_as_json(delivered), "phases": phases.rounded(), "sheet": str(sheet)}
        )
    else:
        print_delivery(stdout(), delivered)
    print_lines(console, f"\nBefore and after: {sheet}")
    return 0 if sum(one.file is not None for one in delivered) == len(photos) else 1


def _check_running_cloud(context: Context, request: CloudRequest) -> None:
    """Check that the local cloud that is up is the one that the options ask for."""
    context.local.check_likeness(request)
    if request.api is None and not context.local.uses_stand_in():
        raise Problem(
            "The local cloud that is up was started with --live or --evolink-url: photos may cost "
            "credits there.",
            advice="Repeat that option to use it; or stop it with `cutout down`, and run the demo.",
        )


def _ask(context: Context, photos: int) -> None:
    """Ask whether to spend credits; ends the command unless the answer is yes."""
    credits_ = float(photos * terms().usual_price)
    price = f"{counted(photos, 'photo')}: about {credits_:g} credits."
    if not context.is_terminal:
        raise Problem(price, advice="Add `--yes` to spend them.")
    click.confirm(f"{price} Continue?", abort=True, err=True)


@contextmanager
def _local_cloud(
    context: Context, request: CloudRequest, phases: Phases, *, is_up: bool
) -> Iterator[None]:
    """Use the local cloud that is up, or start one and stop it at the end of the context."""
    if is_up:
        phases.console.print("Using the local cloud that is up; `cutout down` stops it.")
        yield
        return
    with phases.shown():
        context.local.up(request, phases, stays_up=False)
    try:
        yield
    finally:
        phases.begin(_DOWN)
        context.local.down()
        phases.end(_DOWN)
