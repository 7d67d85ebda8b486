"""Times on the command line: two hours ago, a day, a time of day."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from cutout.domain.dataclass import dataclass

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, kw_only=True)
class When:
    """A time, or a length of time before now."""

    moment: datetime | None = None
    ago: timedelta = timedelta(0)

    def at(self, now: datetime) -> datetime:
        """Return the time, given the current time."""
        return self.moment or now - self.ago


class WhenType(click.ParamType[When]):
    """Two hours ago as `2h`, a day (UTC) as `2026-11-20`, a time in ISO 8601.

    Attributes:
        is_end: a day means its end, not its start.
    """

    name = "TIME"

    def __init__(self, *, is_end: bool = False) -> None:
        self.is_end = is_end

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> When:
        """Convert the text."""
        if isinstance(value, When):
            return value
        text = str(value)
        if ago := _AGO.fullmatch(text):
            return When(ago=timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            forms = "2h, 30m, 7d, 2026-11-20 or 2026-11-20T09:15Z"
            self.fail(f"{text!r} is not a time like {forms}", param, ctx)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if self.is_end and _DAY.fullmatch(text):
            moment += timedelta(days=1) - timedelta(milliseconds=1)
        return When(moment=moment)


def time_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add options for a period; the command gets `since` and `until`."""
    for option in (
        click.option(
            "--until",
            type=WhenType(is_end=True),
            help="Not after this time: 2h (ago), 2026-11-20 (the whole day, UTC), or ISO 8601.",
        ),
        click.option(
            "--since",
            type=WhenType(),
            help="Not before this time: 2h (ago), 2026-11-20 (UTC), or ISO 8601.",
        ),
    ):
        function = option(function)
    return function
