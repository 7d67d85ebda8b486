"""`cutout put`: upload photos and download the cut-outs."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.context import Context
from cutout.cli.options.job_filters import prefix_option
from cutout.cli.options.price_option import price_of
from cutout.cli.options.shared_options import chosen_stack, fresh_option, out_option, timeout_option
from cutout.cli.output.gate_text import pause_of
from cutout.cli.output.money import Price, preview_in_words
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import print_first, print_json, print_lines, stderr, stdout
from cutout.cli.output.units import counted, first_of
from cutout.cli.photo_files import Selection, select_photos
from cutout.cli.round_trip.upload_and_download import RoundTrip, delivery_as_json, print_delivery
from cutout.cli.round_trip.upload_plan import Action, PlannedPhoto, UploadPlanner
from cutout.cli.stack_command import stack_command
from cutout.domain.sanitize import shell_word

_AGAIN = "The same command uploads the others, and pays for nothing twice."
_FRESH_AGAIN = (
    "With --fresh, the same command pays for them again: name only the other files. "
    "`cutout ls --since 1h` lists those that were uploaded."
)
_SHOWN = 3
_LISTED = 20


@stack_command(
    "put",
    {
        0: "every photo is completed (with --no-wait: is uploaded and has not failed)",
        1: "one is not, or could not be uploaded or downloaded; the message says why",
    },
    """
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
@out_option("the cut-outs")
@fresh_option
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Try photos again that are in the bucket without a cut-out; this is paid for again.",
)
@click.option("--no-wait", is_flag=True, help="Upload only; do not wait for the cut-outs.")
@prefix_option("Prefix of all keys.  [default: the prefix that the stack watches]")
@timeout_option(
    "Stop waiting after this time; the stack still processes the photos.  "
    "[default: when no photo has changed for half an hour]"
)
@click.option(
    "--dry-run", is_flag=True, help="Print what would be uploaded and its cost, and stop."
)
@click.pass_obj
def command(
    context: Context,
    stack: Stack,
    *,
    paths: Sequence[Path],
    out: Path,
    bypass_cache: bool,
    retry_failed: bool,
    no_wait: bool,
    prefix: str | None,
    timeout: float | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Upload photos, wait for them, and download the cut-outs.

    The key of a FILE is its name. The keys of the files in a FOLDER begin with the folder's name
    and keep its structure; hidden files, files that are not images by their names, photos whose
    names are not UTF-8, and links to folders are skipped.

    Each photo is paid for once, at the provider's price. A photo that is in the bucket already,
    with the same bytes under the same key, is not uploaded again: if it is completed, its cut-out
    is downloaded; if it failed, needs review or was rejected, it is left alone unless you add
    --retry-failed. The same photo under another key is free (unless the stack's setting reuse is
    false).
    """
    console = stderr()
    price = price_of(context.settings, None)
    selection = select_photos(paths, prefix=stack.upload_prefix() if prefix is None else prefix)
    photos = [replace(photo, bypass_cache=bypass_cache) for photo in selection.photos]
    _print_skipped(console, selection)
    if not selection.photos:
        raise Problem("These files and folders contain no photos.")
    if bypass_cache:
        plan = [PlannedPhoto(photo=photo, action=Action.UPLOAD) for photo in photos]
    else:
        plan = UploadPlanner(stack=stack, console=console, retry_failed=retry_failed).plan(photos)
    if dry_run or no_wait:
        _print_pause(console, stack, plan)
    if dry_run:
        _print_plan(stack, plan, price, as_json=as_json)
        return 0
    if not no_wait:
        # Before anything is paid for: a folder that cannot be made stops the command.
        out.mkdir(parents=True, exist_ok=True)
    _announce(console, stack, plan, price)
    again = _again(paths, out, prefix)
    delivery = RoundTrip(
        stack=stack,
        console=console,
        advice_uploading=_FRESH_AGAIN if bypass_cache else _AGAIN,
        advice_waiting=f"`cutout get {again}` downloads the cut-outs that are completed by then; "
        f"`cutout put {again}` also waits for the others, and pays for nothing twice.",
    )
    begun = delivery.begin(plan)
    all_is_well = not delivery.problems and not selection.unnamed
    if no_wait:
        good = [one for one in begun if one.action is not Action.LEAVE]
        _print_sent(good, as_json=as_json)
        return 0 if all_is_well and len(good) == len(begun) else 1
    delivered = delivery.deliver(begun, out, timeout_seconds=timeout)
    if as_json:
        print_json(delivery_as_json(delivered))
    else:
        print_delivery(stdout(), delivered)
    all_is_well = all_is_well and not delivery.problems
    return 0 if all_is_well and all(one.photo.is_completed for one in delivered) else 1


def _again(paths: Sequence[Path], out: Path, prefix: str | None) -> str:
    """Return the arguments with which `get` and `put` mean the same photos."""
    # The options as they were typed: the stack does not know by which of them it was found.
    chosen = chosen_stack()
    options = {"out": out, "prefix": prefix, "stack": chosen.stack}
    options |= {"profile": chosen.profile, "region": chosen.region}
    given = [
        it
        for name, value in options.items()
        if value is not None
        for it in (f"--{name}", str(value))
    ]
    words = [*map(str, paths), *given, *(["--aws"] if chosen.aws else [])]
    return " ".join(map(shell_word, words))


def _print_skipped(console: Console, selection: Selection) -> None:
    for why, paths in (
        ("not images by their names", selection.skipped),
        ("links to folders or to nothing", selection.links),
        ("as their names are not UTF-8, as keys are", selection.unnamed),
    ):
        if paths:
            # Bytes that are not UTF-8 are shown as such.
            shown = [os.fsencode(path.name).decode(errors="backslashreplace") for path in paths]
            names = first_of(shown, _SHOWN)
            console.print(f"Skipped, {why}: {names}", style="note")


def _print_sent(begun: Sequence[PlannedPhoto], *, as_json: bool) -> None:
    sent = [one.there for one in begun if one.there]
    if as_json:
        print_json([{"key": one.key, "job": one.job_id} for one in sent])
    else:
        for one in sent:
            stdout().print(one.key)


def _announce(console: Console, stack: Stack, plan: Sequence[PlannedPhoto], price: Price) -> None:
    """Print what is done with the photos, and what that costs at most."""
    print_lines(console, _in_total(stack, plan, price), style="note")
    _print_unwatched(console, stack, plan)
    for action in Action:
        noted = [
            f"{one.photo.key}: {one.in_words}" for one in plan if one.why and one.action is action
        ]
        print_first(console, noted, _LISTED, rest="--dry-run lists all", style="note")


def _print_plan(stack: Stack, plan: Sequence[PlannedPhoto], price: Price, *, as_json: bool) -> None:
    """Print what would be done with each photo, and what it would cost at most."""
    if as_json:
        print_json(
            [
                {
                    "photo": str(one.photo.path),
                    "key": one.photo.key,
                    "action": one.action.value,
                    "why": one.why or None,
                    "job": one.job.id if one.job else None,
                }
                for one in plan
            ]
        )
    else:
        for one in plan:
            note = f": {one.in_words}" if one.why else ""
            stdout().print(f"{one.photo.path} -> {one.photo.key}{note}")
    print_lines(stderr(), f"{_in_total(stack, plan, price)}\nDry run: nothing was uploaded.")


def _print_pause(console: Console, stack: Stack, plan: Sequence[PlannedPhoto]) -> None:
    """Print why the gate is paused, if photos will wait for it and this command will not."""
    if any(one.is_moving for one in plan) and (
        pause := pause_of(stack.jobs.read_gate(), stack.clock.now())
    ):
        console.print(pause.text, style="yellow")


def _print_unwatched(console: Console, stack: Stack, plan: Sequence[PlannedPhoto]) -> None:
    """Print which keys the stack does not watch, before somebody waits for them."""
    watches, bucket = stack.rules().upload_filter.is_watched, stack.outputs.uploads_bucket
    keys = [one.photo.key for one in plan if not watches(bucket, one.photo.key)]
    if keys:
        console.print(
            f"The stack does not watch {first_of(keys, _SHOWN)}: it stores such uploads and makes "
            "no job.",
            style="yellow",
            soft_wrap=True,
        )


def _in_total(stack: Stack, plan: Sequence[PlannedPhoto], price: Price) -> str:
    # Only these may cost credits.
    actions = Action.UPLOAD, Action.RETRY
    counts = [(action, sum(one.action is action for one in plan)) for action in actions]
    parts = [f"{action} {counted(count, 'photo')}" for action, count in counts if count]
    if not parts:
        return f"Nothing to upload to {stack.where}; this is free."
    cost = preview_in_words(compose.estimate(stack, sum(count for _, count in counts)), price)
    return f"To {' and '.join(parts)} on {stack.where}: at most {cost}"
