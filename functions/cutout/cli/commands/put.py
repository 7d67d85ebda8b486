"""`cutout put`: upload photos and download the cut-outs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import (
    LONGEST_SECONDS,
    FiniteRange,
    json_option,
    stack_options,
)
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, stderr, stdout
from cutout.cli.photo_files import select_photos
from cutout.cli.round_trip.upload_and_download import RoundTrip, delivery_as_json, delivery_table
from cutout.domain.gate import USUAL_PRICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from cutout.cli.context import Context
    from cutout.cli.options.shared_options import Choice
    from cutout.cli.photo_files import Selection, SentPhoto

_SHOWN = 3


@click.command(
    "put",
    cls=DocumentedCommand,
    exit_statuses={
        0: "every photo is completed (with --no-wait: uploaded)",
        1: "one is not, or could not be uploaded or downloaded; the message says why",
    },
    example="""
# the cut-out of photos/shoes/a.jpg goes to cut/photos/shoes/a.png
cutout put photos more-photos --out cut
""",
)
@click.argument(
    "paths",
    metavar="FILE|FOLDER...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    metavar="DIR",
    help="The folder for the cut-outs.",
)
@click.option(
    "--fresh",
    "bypass_cache",
    is_flag=True,
    help="Ignore cached results and pay for new cut-outs.",
)
@click.option("--no-wait", is_flag=True, help="Upload only; do not wait for the cut-outs.")
@click.option(
    "--prefix",
    metavar="TEXT",
    help="Prefix of all keys.  [default: the prefix that the stack watches]",
)
@click.option(
    "--timeout",
    type=FiniteRange(0, LONGEST_SECONDS),
    metavar="SECONDS",
    help="Stop waiting after this time; the stack still processes the photos.  [default: never]",
)
@click.option(
    "--dry-run", is_flag=True, help="Print what would be uploaded and its cost, and stop."
)
@json_option
@stack_options
@click.pass_obj
def command(
    context: Context,
    *,
    paths: Sequence[Path],
    out: Path,
    bypass_cache: bool,
    no_wait: bool,
    prefix: str | None,
    timeout: float | None,
    dry_run: bool,
    as_json: bool,
    choice: Choice,
) -> int:
    """Upload photos, wait for them, and download the cut-outs.

    The key of a FILE is its name. The keys of the files in a FOLDER begin with the folder's name
    and keep its structure; hidden files, files that are not images by their names, and links to
    folders are skipped.

    Each photo costs about 5.4 credits once. Uploading the same photo again, under any key, is
    free (unless the stack's setting reuse is false).
    """
    console = stderr()
    with explained():
        stack = context.connect(choice)
        selection = select_photos(paths, prefix=stack.upload_prefix() if prefix is None else prefix)
        photos = [replace(photo, bypass_cache=bypass_cache) for photo in selection.photos]
        _print_skipped(console, selection)
        if not selection.photos:
            raise Problem("These files and folders contain no photos.")
        if dry_run:
            return _print_preview(console, selection, as_json=as_json)
        if not no_wait:
            # Before anything is paid for: a folder that cannot be made stops the command.
            out.mkdir(parents=True, exist_ok=True)
        delivery = RoundTrip(stack=stack, clock=context.clock, console=console)
        console.print(_announcement(selection, stack.where), style="note")
        sent = delivery.send(photos)
        all_is_well = not delivery.problems
        if no_wait:
            _print_sent(sent, as_json=as_json)
            return 0 if all_is_well else 1
        tracked = delivery.wait(sent, timeout_seconds=timeout)
        delivered = delivery.fetch(tracked, out)
    if as_json:
        print_json(delivery_as_json(delivered))
    else:
        stdout().print(delivery_table(delivered))
    all_is_well = all_is_well and not delivery.problems
    return 0 if all_is_well and all(photo.is_completed for photo in tracked) else 1


def _announcement(selection: Selection, where: str) -> str:
    count = len(selection.photos)
    price = f"{float(count * USUAL_PRICE):g}"
    return f"Uploading {count} photo{'s' * (count > 1)} to {where}: about {price} credits."


def _print_skipped(console: Console, selection: Selection) -> None:
    for why, paths in (
        ("not images by their names", selection.skipped),
        ("links to folders or to nothing", selection.links),
    ):
        if paths:
            names = ", ".join(path.name for path in paths[:_SHOWN])
            and_more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
            console.print(f"Skipped, {why}: {names}{and_more}", style="note")


def _print_preview(console: Console, selection: Selection, *, as_json: bool) -> int:
    if as_json:
        print_json([{"photo": str(one.path), "key": one.key} for one in selection.photos])
    else:
        for one in selection.photos:
            stdout().print(f"{one.path} -> {one.key}")
    total = float(len(selection.photos) * USUAL_PRICE)
    console.print(f"{len(selection.photos)} photos, about {total:g} credits; nothing was uploaded.")
    return 0


def _print_sent(sent: Sequence[SentPhoto], *, as_json: bool) -> None:
    if as_json:
        print_json([{"key": one.key, "job": one.job_id} for one in sent])
    else:
        for one in sent:
            stdout().print(one.key)
