"""Options that choose jobs by what the index or the rows know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cutout.cli.options.time_expressions import time_options
from cutout.domain.states import Reason, State
from cutout.operator.list_jobs import JobFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cutout.cli.options.time_expressions import When


def choosing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be told which jobs: ``reasons``, ``prefix``, ``since`` and ``until``."""
    function = time_options(function)
    for option in (
        click.option("--prefix", default="", metavar="TEXT", help="Only keys that begin so."),
        click.option(
            "--reason",
            "reasons",
            multiple=True,
            type=click.Choice([reason.value for reason in Reason]),
            metavar="REASON",
            help="Only jobs that stand where they stand for this; may be said more than once.",
        ),
    ):
        function = option(function)
    return function


def wanted(
    states: Sequence[State],
    *,
    reasons: Sequence[str],
    prefix: str,
    since: When | None,
    until: When | None,
    now: datetime,
) -> JobFilter:
    """Return what the options ask for."""
    return JobFilter(
        states=tuple(dict.fromkeys(states)),
        reasons=frozenset(map(Reason, reasons)),
        prefix=prefix,
        since=since.at(now) if since else None,
        until=until.at(now) if until else None,
    )
