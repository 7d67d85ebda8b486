"""Options that choose jobs by reason, key and time."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

import click

from cutout.cli.options.time_expressions import time_options
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.operator.list_jobs import JobFilter


def filter_options(
    states: Sequence[State] = (), state_help: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options; the command gets the filter `wanted`, without states if none is named.

    Args:
        states: those that `--state` takes; without any, there is no such option.
        state_help: of that option.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(
            *args: Any,  # noqa: ANN401 - the command's own
            reasons: Sequence[str],
            prefix: str,
            since: datetime | None,
            until: datetime | None,
            named: Sequence[str] = (),
            **options: Any,  # noqa: ANN401 - the command's own
        ) -> Any:  # noqa: ANN401 - the command's own
            wanted = job_filter(named, reasons=reasons, prefix=prefix, since=since, until=until)
            return function(*args, wanted=wanted, **options)

        time_options(command)
        click.option("--prefix", default="", metavar="TEXT", help="Only keys with this prefix.")(
            command
        )
        _choices("reason", "reasons", Reason, "Only jobs with this reason (repeatable).")(command)
        if states:
            _choices("state", "named", states, state_help)(command)
        return command

    return decorate


def job_filter(
    states: Iterable[str],
    *,
    reasons: Iterable[str],
    prefix: str,
    since: datetime | None,
    until: datetime | None,
) -> JobFilter:
    """Return the filter that the options describe."""
    return JobFilter(
        states=tuple(dict.fromkeys(map(State, states))),
        reasons=frozenset(map(Reason, reasons)),
        prefix=prefix,
        since=since,
        until=until,
    )


def _choices(
    option: str, name: str, values: Iterable[str], text: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        f"--{option}",
        name,
        multiple=True,
        type=click.Choice([str(one) for one in values]),
        metavar=option.upper(),
        help=text,
    )
