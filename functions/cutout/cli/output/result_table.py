"""A table of photos and their results that fits a terminal without breaking a path."""

from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console

from cutout.cli.output.job_text import state_text
from cutout.cli.output.terminal import plain_table
from cutout.domain.dataclass import dataclass
from cutout.domain.sanitize import plain

_LEAST_KEY = 20
_GAP = 2


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """A photo: its state, figures, and the file of its cut-out or why there is none."""

    key: str
    state: str
    figures: tuple[str, ...] = ()
    file: Path | None
    why: str


def print_results(
    console: Console,
    rows: Sequence[ResultRow],
    *,
    figures: Sequence[str] = (),
    totals: Sequence[str] = (),
) -> None:
    """Print a row for each photo.

    Paths are printed whole. If they leave no room for the keys, their beginnings are left out; if
    that is not enough, rows are longer than the terminal is wide, which wraps them. A last row has
    the `totals`, of all columns but the result.
    """
    head = ("photo", "state", *figures)
    cells = [(plain(row.key), row.state, *row.figures) for row in rows]
    lines = (head, *cells, totals or head)
    keys, *others = (max(map(cell_len, column)) for column in zip(*lines, strict=True))
    rest = sum(others) + _GAP * (len(head) + 1)
    path = max((cell_len(plain(str(row.file))) for row in rows if row.file), default=_LEAST_KEY)
    keys = min(keys, max(console.width - rest - path, _LEAST_KEY))
    table = plain_table()
    for name in head:
        table.add_column(name, no_wrap=True, justify="right" if name in figures else "left")
    table.add_column("result", overflow="fold", min_width=path)
    for row, (key, *_) in zip(rows, cells, strict=True):
        result = plain(str(row.file) if row.file else row.why)
        table.add_row(end_of(key, keys), state_text(row.state), *row.figures, result)
    if totals:
        table.add_row(*totals, style="bold")
    if (needed := keys + rest + path) > console.width:
        table.width = needed
    console.print(table, crop=False)


def end_of(text: str, width: int) -> str:
    """Return a text, or as much of its end as fits into a number of terminal cells."""
    if cell_len(text) <= width:
        return text
    while cell_len(text) >= width:
        text = text[1:]
    return f"…{text}"
