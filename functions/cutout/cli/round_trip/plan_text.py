"""What `cutout put` prints about its plan: what it does with each photo, and what that costs."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.cost_preview import preview_in_words
from cutout.cli.output.describe import counted
from cutout.cli.output.gate_text import pause_of
from cutout.cli.output.money import Price
from cutout.cli.output.terminal import print_json, print_lines, stderr, stdout
from cutout.cli.round_trip.upload_plan import Action, PlannedPhoto

_SHOWN = 3
_LISTED = 20


def announce(console: Console, stack: Stack, plan: Sequence[PlannedPhoto], price: Price) -> None:
    """Print what is done with the photos, and what that costs at most."""
    print_lines(console, _in_total(stack, plan, price), style="note")
    _print_unwatched(console, stack, plan)
    noted = [one for one in plan if one.why]
    for action in Action:
        chosen = [one for one in noted if one.action is action]
        for one in chosen[:_LISTED]:
            console.print(f"  {one.photo.key}: {one.in_words}", style="note", soft_wrap=True)
        if len(chosen) > _LISTED:
            more = f"  and {len(chosen) - _LISTED:,} more; --dry-run lists all"
            console.print(more, style="note")


def print_plan(stack: Stack, plan: Sequence[PlannedPhoto], price: Price, *, as_json: bool) -> None:
    """Print what would be done with each photo, and what it would cost at most."""
    if as_json:
        print_json([_planned_as_json(one) for one in plan])
    else:
        for one in plan:
            note = f": {one.in_words}" if one.why else ""
            stdout().print(f"{one.photo.path} -> {one.photo.key}{note}")
    print_lines(stderr(), f"{_in_total(stack, plan, price)}\nDry run: nothing was uploaded.")


def print_pause(console: Console, stack: Stack, plan: Sequence[PlannedPhoto]) -> None:
    """Print why the gate is paused, if photos will wait for it and this command will not."""
    if any(one.is_moving for one in plan) and (
        pause := pause_of(stack.jobs.read_gate(), stack.clock.now())
    ):
        console.print(pause.text, style="yellow")


def some(names: Sequence[str]) -> str:
    """Return the first of these names, and how many more there are."""
    and_more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{and_more}"


def _print_unwatched(console: Console, stack: Stack, plan: Sequence[PlannedPhoto]) -> None:
    """Print which keys the stack does not watch, before somebody waits for them."""
    watches, bucket = stack.rules().upload_filter.is_watched, stack.outputs.uploads_bucket
    keys = [one.photo.key for one in plan if not watches(bucket, one.photo.key)]
    if keys:
        console.print(
            f"The stack does not watch {some(keys)}: it stores such uploads and makes no job.",
            style="yellow",
            soft_wrap=True,
        )


def _in_total(stack: Stack, plan: Sequence[PlannedPhoto], price: Price) -> str:
    parts = [
        f"{verb} {counted(count, 'photo')}"
        for action, verb in ((Action.UPLOAD, "upload"), (Action.RETRY, "retry"))
        if (count := sum(one.action is action for one in plan))
    ]
    if not parts:
        return f"Nothing to upload to {stack.where}; this is free."
    paid = sum(one.action.may_cost for one in plan)
    cost = preview_in_words(compose.estimate(stack, paid), price)
    return f"To {' and '.join(parts)} on {stack.where}: at most {cost}"


def _planned_as_json(one: PlannedPhoto) -> dict[str, Any]:
    return {
        "photo": str(one.photo.path),
        "key": one.photo.key,
        "action": one.action.value,
        "why": one.why or None,
        "job": one.job.id if one.job else None,
    }
