"""The two output streams: results go to stdout, progress and messages to stderr.

rich is imported when something is shown in colours or columns: it loads slowly.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

from cutout.domain.sanitize import plain_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

REPORTED = "The command has printed what it did until then."
"""A note of the exception that ended a command."""
_WIDE = 10_000
_NARROWEST = 72


def stdout() -> Console:
    """Return the console for results."""
    from shutil import get_terminal_size  # noqa: PLC0415 - it loads compression, too

    from cutout.cli.output.plain_console import PlainConsole  # noqa: PLC0415 - see above

    width = width_for(get_terminal_size().columns, is_terminal=sys.stdout.isatty())
    return PlainConsole(sys.stdout, width)


def width_for(columns: int, *, is_terminal: bool) -> int:
    """Return the width of a line of results."""
    # A file or pipe has no limit, as programs read lines. A narrow terminal wraps rows, which is
    # better than truncating every cell.
    return max(columns, _NARROWEST) if is_terminal else _WIDE


def stderr() -> Console:
    """Return the console for progress and messages."""
    from cutout.cli.output.plain_console import PlainConsole  # noqa: PLC0415 - see above

    # None if its descriptor was closed before the start.
    stream = sys.stderr or StringIO()
    return PlainConsole(stream, None if stream.isatty() else _WIDE)


def print_error_label() -> None:
    """Print the first word of an error."""
    stderr().print("Error: ", style="bold red", end="")


def plain_table(
    *columns: str, right: Collection[str] = (), fold: Collection[str] = (), has_header: bool = True
) -> Table:
    """Return a table without lines, with these columns.

    Args:
        columns: their titles.
        right: those whose cells are aligned on the right.
        fold: those whose cells are folded, not truncated, where there is no room.
        has_header: show the titles.
    """
    from rich.table import Table  # noqa: PLC0415 - see above

    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), show_header=has_header)
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in right else "left",
            overflow="fold" if name in fold else "ellipsis",
        )
    return table


def remark(text: str) -> None:
    """Print a remark to stderr, dimmed and on one line."""
    stderr().print(text, style="note", soft_wrap=True)


def print_first(
    console: Console, lines: Sequence[str], most: int, *, rest: str, style: str | None = None
) -> None:
    """Print the first of these lines; if there are more, how many, and how to see the `rest`."""
    for line in lines[:most]:
        console.print(f"  {line}", style=style, soft_wrap=True)
    if len(lines) > most:
        remark(f"  and {len(lines) - most:,} more; {rest}")


@contextmanager
def interruption(text: Callable[[], str]) -> Iterator[None]:
    """Print what is done so far if Ctrl-C or an error ends the context."""
    try:
        yield
    except BaseException as error:
        stderr().print(f"Interrupted: {text()}", soft_wrap=True)
        error.add_note(REPORTED)
        raise


def print_lines(console: Console, text: str, style: str | None = None) -> None:
    """Print trusted text of several lines."""
    console.print(*text.splitlines(), sep="\n", style=style)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """Print a value as indented JSON, with letters of all languages as they are."""
    sys.stdout.write(plain_json(value, indent=2) + "\n")


def print_json_each(values: Iterable[Any]) -> None:
    """Print a JSON array like `print_json`, each value as soon as it is available."""
    opened = False
    for value in values:
        # By hand, as `json` has no way to write a list of which not all is known yet.
        sys.stdout.write(",\n" if opened else "[\n")
        sys.stdout.write("  " + plain_json(value, indent=2).replace("\n", "\n  "))
        opened = True
    sys.stdout.write("\n]\n" if opened else "[]\n")
