"""Options that choose jobs by state, reason, key and time."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from typing import Any

import click

from cutout.cli.options.shared_options import Decorator
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.operator.list_jobs import JobFilter

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Indexes of jobs hold times in milliseconds.
_ALMOST_A_DAY = timedelta(days=1) - timedelta(milliseconds=1)


def prefix_option(text: str, *, default: str | None = None) -> Decorator:
    """Add `--prefix`; the command gets `prefix`."""
    return click.option("--prefix", default=default, metavar="TEXT", help=text)


only_prefix_option = prefix_option("Only keys with this prefix.", default="")


def filter_options(states: Sequence[State] = (), state_help: str = "") -> Decorator:
    """Add the options; the command gets the filter `wanted`, without states if none is named.

    Without `states`, which `--state` takes, there is no such option.
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
            wanted = JobFilter(
                states=tuple(dict.fromkeys(map(State, named))),
                reasons=frozenset(map(Reason, reasons)),
                prefix=prefix,
                since=since,
                until=until,
            )
            return function(*args, wanted=wanted, **options)

        time_options(command)
        only_prefix_option(command)
        _choices("reason", "reasons", Reason, "Only jobs with this reason (repeatable).")(command)
        if states:
            _choices("state", "named", states, state_help)(command)
        return command

    return decorate


def _choices(option: str, name: str, values: Iterable[str], text: str) -> Decorator:
    return click.option(
        f"--{option}",
        name,
        multiple=True,
        type=click.Choice([str(one) for one in values]),
        metavar=option.upper(),
        help=text,
    )


def time_in(text: str, now: datetime, *, is_end: bool = False) -> datetime:
    """Return a time: two hours ago as `2h`, a day (UTC) as `2026-11-20`, or in ISO 8601.

    With `is_end`, a day means its end, not its start.

    Raises:
        click.BadParameter: It is none of these.
    """
    try:
        if ago := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        forms = "2h, 30m, 7d, 2026-11-20 or 2026-11-20T09:15Z"
        raise click.BadParameter(f"{text!r} is not a time like {forms}") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    is_whole_day = is_end and _DAY.fullmatch(text)
    return moment + _ALMOST_A_DAY if is_whole_day else moment


def time_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add options for a period; the command gets `since` and `until`."""
    until = click.option(
        "--until",
        metavar="TIME",
        callback=partial(_time, is_end=True),
        help="Not after this time: 2h (ago), 2026-11-20 (the whole day, UTC), or ISO 8601.",
    )
    since = click.option(
        "--since",
        metavar="TIME",
        callback=_time,
        help="Not before this time: 2h (ago), 2026-11-20 (UTC), or ISO 8601.",
    )
    return since(until(function))


def _time(
    ctx: click.Context, _option: click.Parameter, text: str | None, *, is_end: bool = False
) -> datetime | None:
    return None if text is None else time_in(text, ctx.obj.clock.now(), is_end=is_end)
