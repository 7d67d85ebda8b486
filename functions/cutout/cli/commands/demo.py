"""``cutout demo``: everything, from nothing to cut-outs, and back to nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cutout.cli.options.common import LONGEST_SECONDS, FiniteRange, json_option
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.local_options import wish_options
from cutout.cli.options.target import Choice
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, print_lines, results, talk
from cutout.cli.photo_files import select_photos
from cutout.cli.progress.phases import Phases
from cutout.cli.upload_and_download import RoundTrip, delivery_as_json, delivery_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from cutout.cli.context import Surroundings
    from cutout.cli.photo_files import Photo
    from cutout.cli.upload_and_download import Delivered
    from infra.local.start import Wish

_PHOTOS = "photos"
_CREDITS_A_PHOTO = 5.4


@click.command(
    "demo",
    cls=DocumentedCommand,
    exit_statuses={
        0: "every photo is completed",
        1: "one is not, or something did not start",
    },
    example="""
cutout demo ~/pictures/cat.jpg --out cat
""",
)
@click.argument(
    "paths", metavar="[PHOTO]...", nargs=-1, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    metavar="DIR",
    help="Where cut-outs and index.html are written.",
)
@click.option(
    "--timeout",
    type=FiniteRange(1, LONGEST_SECONDS),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the photos.",
)
@click.option("--yes", is_flag=True, help="With --live: do not ask before credits are spent.")
@json_option
@click.pass_obj
@wish_options
def command(
    surroundings: Surroundings,
    *,
    paths: Sequence[Path],
    out: Path,
    timeout: float,
    yes: bool,
    as_json: bool,
    wish: Wish,
    live: bool,
) -> int:
    """Cut out photos on a local cloud that lives as long as this command.

    Starts an embedded AWS, deploys the stack to it with the CDK, uploads the photos (those that
    come with the project, if none are named), follows each through its states, downloads the
    cut-outs, and writes index.html, before and after side by side. Then takes everything down.

    If `cutout up` has a local cloud running here, that one is used, and stays.
    """
    console = talk()
    photos = select_photos(paths or _shipped_photos()).photos
    if not photos:
        raise Problem("There are no photos in what was named.")
    if live and not yes:
        total = len(photos) * _CREDITS_A_PHOTO
        click.confirm(
            f"{len(photos)} photos cost about {total:g} credits. Go on?", abort=True, err=True
        )
    phases = Phases(console, surroundings.clock)
    with explained(), _local_cloud(surroundings, wish, phases, console):
        delivered = _deliver(surroundings, wish, phases, photos, out=out, timeout=timeout)
        sheet = _write_sheet(delivered, out, surroundings)
    if as_json:
        print_json(
            {"photos": delivery_as_json(delivered), "phases": phases.rounded(), "sheet": str(sheet)}
        )
    else:
        results().print(delivery_table(delivered))
    print_lines(console, f"\nBefore and after, side by side: {sheet}")
    return 0 if sum(one.file is not None for one in delivered) == len(photos) else 1


def _shipped_photos() -> list[Path]:
    from infra.local.place import shipped_photos  # noqa: PLC0415 - only the demo needs them

    return shipped_photos()


@contextmanager
def _local_cloud(
    surroundings: Surroundings, wish: Wish, phases: Phases, console: Console
) -> Iterator[None]:
    """Have a local cloud: the one that is up, or one of our own that goes when we go."""
    from infra.local.lifecycle import Status  # noqa: PLC0415 - loads slowly
    from infra.local.progress import DOWN  # noqa: PLC0415

    status = surroundings.local.status()
    if status is Status.BUSY:
        raise Problem(
            "Another command is at the local cloud of this folder.",
            advice="Wait until it has ended.",
        )
    if status is Status.UP:
        console.print("Using the local cloud that is up; `cutout down` takes it down.")
        yield
        return
    with phases.shown():
        surroundings.local.up(wish, phases, stays_up=False)
    try:
        yield
    finally:
        phases.begin(DOWN)
        surroundings.local.down()
        phases.end(DOWN)


def _deliver(
    surroundings: Surroundings,
    wish: Wish,
    phases: Phases,
    photos: Sequence[Photo],
    *,
    out: Path,
    timeout: float,
) -> list[Delivered]:
    stack = surroundings.connect(Choice(stack=wish.stack))
    delivery = RoundTrip(stack=stack, clock=surroundings.clock, console=phases.console)
    with phases.phase(_PHOTOS) as told:
        prefix = stack.upload_prefix()
        sent = delivery.send([replace(photo, key=prefix + photo.key) for photo in photos])
        followed = delivery.wait(sent, timeout_seconds=timeout)
        delivered = delivery.fetch(followed, out)
        done = sum(photo.is_completed for photo in followed)
        told(f"{done} of {len(photos)} completed")
    return delivered


def _write_sheet(delivered: Sequence[Delivered], out: Path, surroundings: Surroundings) -> Path:
    from cutout.cli.output.contact_sheet import contact_sheet  # noqa: PLC0415 - needs Pillow

    out.mkdir(parents=True, exist_ok=True)
    sheet = out / "index.html"
    sheet.write_text(contact_sheet(delivered, made_at=surroundings.clock.now()), encoding="utf-8")
    return sheet
