"""A live table of photos: a row for each of a few; for many, a bar and the open ones."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cutout.cli.output.job_text import STATE_STYLES, explanation, state_text
from cutout.cli.output.result_table import end_of
from cutout.cli.output.units import duration
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto
from cutout.domain.sanitize import plain
from cutout.domain.states import State

_ROWS = 15
_UPLOADED = "uploaded"
_PATH = (State.QUEUED, State.SUBMITTING, State.PROCESSING, State.STORING, State.COMPLETED)
_STATE_WIDTH = max(map(len, State))
# Of a row, without the key and the reason: dots, state, time, and the gaps after five columns.
_OTHER_WIDTHS = len(_PATH) + _STATE_WIDTH + len("59 min") + 5 * 2
_LEAST_ROOM = 24


class LiveTable:
    """A live table on a terminal, elsewhere a line for every change of state. A context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._shown: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Start."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        if self._console.is_terminal:
            self._live.stop()

    def show(self, photos: Sequence[TrackedPhoto], *, now: datetime) -> None:
        """Show all photos."""
        if self._console.is_terminal:
            self._live.update(_picture(photos, now, self._console.width))
            return
        for photo in photos:
            if self._shown.get(photo.sent.key) != (state := _state(photo)):
                self._shown[photo.sent.key] = state
                self._console.print(_line(photo, now), soft_wrap=True)

    def remark(self, text: str) -> None:
        """Show a remark."""
        self._console.print(text, style="yellow", soft_wrap=True)


def _picture(photos: Sequence[TrackedPhoto], now: datetime, width: int) -> RenderableType:
    if len(photos) <= _ROWS:
        return _table(photos, now, width)
    open_ones = sorted((one for one in photos if not one.is_settled), key=_idleness)
    left = len(open_ones[_ROWS:])
    more = [Text(f"and {left:,} more", "bright_black")] if left else []
    return Group(_totals(photos), _table(open_ones[:_ROWS], now, width), *more)


def _idleness(photo: TrackedPhoto) -> int:
    """Return 0 for a photo that moves, 1 if it waits for its turn, 2 if it has no job yet."""
    if photo.job is None:
        return 2
    return int(photo.job.state is State.QUEUED)


def _table(photos: Sequence[TrackedPhoto], now: datetime, width: int) -> Table:
    """Return the rows; keys and reasons share what the other columns leave of the width."""
    whys = [plain(explanation(photo.job)) if photo.job else "" for photo in photos]
    room = max(width - _OTHER_WIDTHS, _LEAST_ROOM)
    for_why = min(max(map(cell_len, whys), default=0), room // 2)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, min_width=_STATE_WIDTH)
    table.add_column(no_wrap=True, justify="right", style="bright_black")
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=for_why, style="bright_black")
    for photo, why in zip(photos, whys, strict=True):
        table.add_row(
            end_of(plain(photo.sent.key), room - for_why),
            _steps(photo),
            state_text(_state(photo)),
            duration(photo.age(now)),
            why,
        )
    return table


def _steps(photo: TrackedPhoto) -> Text:
    """Return the states of the normal path as dots: filled up to the current state."""
    if photo.job is None:
        return Text("○" * len(_PATH), "bright_black")
    style = STATE_STYLES[photo.job.state]
    # A job that left the path, such as a failed one, has passed all but the last two states.
    passed = _PATH.index(photo.job.state) + 1 if photo.job.state in _PATH else len(_PATH) - 2
    return Text.assemble(("●" * passed, style), ("○" * (len(_PATH) - passed), "bright_black"))


def _totals(photos: Sequence[TrackedPhoto]) -> Table:
    counts = Counter(_state(photo) for photo in photos)
    settled = sum(photo.is_settled for photo in photos)
    grid = Table.grid(padding=(0, 2))
    states = Text(", ").join(
        Text.assemble(f"{count} ", state_text(state)) for state, count in counts.most_common()
    )
    grid.add_row(
        ProgressBar(total=len(photos), completed=settled, width=20),
        f"{settled} of {len(photos)}",
        states,
    )
    return grid


def _line(photo: TrackedPhoto, now: datetime) -> str:
    why = explanation(photo.job) if photo.job else ""
    line = f"{duration(photo.age(now)):>7}  {plain(photo.sent.key)}  {_state(photo)}"
    return f"{line}  {why}" if why else line


def _state(photo: TrackedPhoto) -> str:
    return photo.job.state.value if photo.job else _UPLOADED
