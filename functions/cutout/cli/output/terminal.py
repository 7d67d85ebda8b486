"""The two streams of a command: results on standard output, talk on standard error."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from textwrap import indent
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.theme import Theme

from cutout.domain.text.sanitize import plain, plain_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

_WIDE = 10_000
_NARROWEST = 72
_THEME = Theme({"progress.elapsed": "bright_black", "note": "bright_black"})
_AS_IT_IS: Any = {"theme": _THEME, "highlight": False, "markup": False, "emoji": False}


class _Plain(Console):
    """Prints strings as they are, but for what would steer a terminal."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - rich's own
        """Return what is printed for a string: one line, as its lines may be other people's."""
        return super().render_str(plain(text), **options)


def results() -> Console:
    """Return where results go; names of files and keys are printed as they are."""
    width = width_for(get_terminal_size().columns, is_terminal=sys.stdout.isatty())
    return _Plain(file=sys.stdout, width=width, **_AS_IT_IS)


def width_for(columns: int, *, is_terminal: bool) -> int:
    """Return how many characters a line of results may have.

    What is not a terminal is never too narrow: programs read lines. Where a terminal is, it is
    better that it breaks rows than that half of each word is missing.
    """
    return max(columns, _NARROWEST) if is_terminal else _WIDE


def talk() -> Console:
    """Return where progress and remarks go."""
    return _Plain(stderr=True, **_AS_IT_IS)


def print_lines(console: Console, text: str) -> None:
    """Print text of our own that has several lines."""
    console.print(*text.splitlines(), sep="\n")


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """Print a value as JSON, readable and in plain characters of its own language."""
    sys.stdout.write(plain_json(value, indent=2) + "\n")


def print_json_each(values: Iterable[Any]) -> None:
    """Print a JSON array as `print_json` would, each of its values as soon as it is there."""
    opened = False
    for value in values:
        sys.stdout.write(",\n" if opened else "[\n")
        sys.stdout.write(indent(plain_json(value, indent=2), "  "))
        opened = True
    sys.stdout.write("\n]\n" if opened else "[]\n")
