"""``cutout put``: photos in, cut-outs out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cutout.cli.options.common import (
    LONGEST_SECONDS,
    FiniteRange,
    json_option,
    stack_options,
)
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, results, talk
from cutout.cli.photo_files import select_photos
from cutout.cli.upload_and_download import RoundTrip, delivery_as_json, delivery_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from cutout.cli.aws.stack import Sent
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice
    from cutout.cli.photo_files import Selection

_CREDITS_A_PHOTO = 5.4
_SHOWN = 3


@click.command(
    "put",
    cls=DocumentedCommand,
    exit_statuses={
        0: "every photo is completed (with --no-wait: uploaded)",
        1: "one is not, or could not be uploaded or downloaded; it says why",
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
    help="Where cut-outs are written.",
)
@click.option(
    "--fresh",
    "bypass_cache",
    is_flag=True,
    help="Buy anew, also what was bought before.",
)
@click.option("--no-wait", is_flag=True, help="Upload, and leave the rest to the stack.")
@click.option(
    "--prefix",
    metavar="TEXT",
    help="Put this before every key.  [default: the prefix that the stack watches]",
)
@click.option(
    "--timeout",
    type=FiniteRange(0, LONGEST_SECONDS),
    metavar="SECONDS",
    help="Stop waiting then; the photos are still worked on.  [default: never]",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be uploaded and what it costs.")
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
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

    A FILE's key is its name. A FOLDER is taken with all that is in it, and its keys keep the
    structure, the folder's own name first; hidden files, files that are no pictures by their names
    and links to folders are passed over.

    Each picture costs about 5.4 credits once; put again, under whatever key, it is free (unless the
    stack's setting reuse is false).
    """
    console = talk()
    with explained():
        stack = surroundings.connect(choice)
        selection = select_photos(paths, prefix=stack.upload_prefix() if prefix is None else prefix)
        photos = [replace(photo, bypass_cache=bypass_cache) for photo in selection.photos]
        _tell_passed_over(console, selection)
        if not selection.photos:
            raise Problem("There are no photos in what was named.")
        if dry_run:
            return _tell_plan(console, selection, as_json=as_json)
        if not no_wait:
            out.mkdir(parents=True, exist_ok=True)  # Or nothing is paid that cannot be kept.
        delivery = RoundTrip(stack=stack, clock=surroundings.clock, console=console)
        console.print(_announcement(selection, stack.where), style="note")
        sent = delivery.send(photos)
        all_is_well = not delivery.problems
        if no_wait:
            _tell_sent(sent, as_json=as_json)
            return 0 if all_is_well else 1
        followed = delivery.wait(sent, timeout_seconds=timeout)
        delivered = delivery.fetch(followed, out)
    if as_json:
        print_json(delivery_as_json(delivered))
    else:
        results().print(delivery_table(delivered))
    all_is_well = all_is_well and not delivery.problems
    return 0 if all_is_well and all(photo.is_completed for photo in followed) else 1


def _announcement(selection: Selection, where: str) -> str:
    count = len(selection.photos)
    price = f"{count * _CREDITS_A_PHOTO:g}"
    return f"Putting {count} photo{'s' * (count > 1)} on {where}: about {price} credits."


def _tell_passed_over(console: Console, selection: Selection) -> None:
    for why, paths in (
        ("no pictures by their names", selection.passed_over),
        ("links to folders or to nothing", selection.links),
    ):
        if paths:
            names = ", ".join(path.name for path in paths[:_SHOWN])
            and_more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
            console.print(f"Passed over, {why}: {names}{and_more}", style="note")


def _tell_plan(console: Console, selection: Selection, *, as_json: bool) -> int:
    if as_json:
        print_json([{"photo": str(one.path), "key": one.key} for one in selection.photos])
    else:
        for one in selection.photos:
            results().print(f"{one.path} -> {one.key}")
    total = len(selection.photos) * _CREDITS_A_PHOTO
    console.print(f"{len(selection.photos)} photos, about {total:g} credits; nothing was uploaded.")
    return 0


def _tell_sent(sent: Sequence[Sent], *, as_json: bool) -> None:
    if as_json:
        print_json([{"key": one.key, "job": one.job_id} for one in sent])
    else:
        for one in sent:
            results().print(one.key)
