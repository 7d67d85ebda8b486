"""Options that choose jobs by reason, key and time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import click

from cutout.cli.options.time_expressions import When, time_options
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.operator.list_jobs import JobFilter


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets `reasons`, `prefix`, `since` and `until`."""
    function = time_options(function)
    for option in (
        click.option("--prefix", default="", metavar="TEXT", help="Only keys with this prefix."),
        click.option(
            "--reason",
            "reasons",
            multiple=True,
            type=click.Choice([reason.value for reason in Reason]),
            metavar="REASON",
            help="Only jobs with this reason (repeatable).",
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
    """Return the filter that the options describe."""
    return JobFilter(
        states=tuple(dict.fromkeys(states)),
        reasons=frozenset(map(Reason, reasons)),
        prefix=prefix,
        since=since.at(now) if since else None,
        until=until.at(now) if until else None,
    )
