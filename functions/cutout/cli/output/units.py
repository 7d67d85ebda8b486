"""Numbers, sizes and lengths of time for people."""

from collections.abc import Sequence
from datetime import timedelta

_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def counted(number: int, noun: str) -> str:
    """Return a number and a noun, in the singular or the plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def first_of(names: Sequence[str], most: int) -> str:
    """Return the first of these names, and how many more there are."""
    and_more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{and_more}"


def duration(length: timedelta) -> str:
    """Return a length of time in a fitting unit."""
    seconds = max(0.0, length.total_seconds())
    if seconds < _MINUTE:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} d"


def size_text(count: int) -> str:
    """Return a number of bytes in a fitting unit."""
    if count < 1000:  # noqa: PLR2004 - SI units
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 10**6 else f"{count / 10**6:.1f} MB"


def exact_duration(length: timedelta) -> str:
    """Return a length of time in two units, as differences of seconds matter here."""
    seconds = max(0.0, length.total_seconds())
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else duration(length)  # noqa: PLR2004 - days
