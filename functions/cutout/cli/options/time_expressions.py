"""Points in time as people say them: two hours ago, a day, a moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, kw_only=True)
class When:
    """A moment, or so long ago."""

    moment: datetime | None = None
    ago: timedelta = timedelta(0)

    def at(self, now: datetime) -> datetime:
        """Return the moment as seen from now."""
        return self.moment or now - self.ago


class WhenType(click.ParamType[When]):
    """Two hours ago as ``2h``, a day (UTC) as ``2026-11-20``, a moment in ISO 8601.

    Attributes:
        is_end: A day means its last moment, not its first.
    """

    name = "TIME"

    def __init__(self, *, is_end: bool = False) -> None:
        self.is_end = is_end

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> When:
        """Read it."""
        if isinstance(value, When):
            return value
        text = str(value)
        if ago := _AGO.fullmatch(text):
            return When(ago=timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            advice = "say 2h, 30m, 7d, 2026-11-20 or 2026-11-20T09:15Z"
            self.fail(f"{text!r} is no time: {advice}", param, ctx)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if self.is_end and _DAY.fullmatch(text):
            moment += timedelta(days=1) - timedelta(milliseconds=1)
        return When(moment=moment)


def time_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be told a period; it gets ``since`` and ``until``."""
    for option in (
        click.option(
            "--until",
            type=WhenType(is_end=True),
            help="Not later than this: 2h (ago), 2026-11-20 (UTC, all of it), a moment.",
        ),
        click.option(
            "--since",
            type=WhenType(),
            help="Not earlier than this: 2h (ago), 2026-11-20 (UTC), a moment.",
        ),
    ):
        function = option(function)
    return function
