"""A live table of photos: a row for each of a few; for many, a bar and the photos in progress."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cutout.cli.output.describe import STATE_STYLES, duration, explanation, state_text
from cutout.domain.states import State
from cutout.domain.text.sanitize import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from types import TracebackType

    from rich.console import Console, RenderableType

    from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto

_ROWS = 15
_UPLOADED = "uploaded"
_PATH = (State.QUEUED, State.SUBMITTING, State.PROCESSING, State.STORING, State.COMPLETED)


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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        if self._console.is_terminal:
            self._live.stop()

    def show(self, photos: Sequence[TrackedPhoto], *, now: datetime) -> None:
        """Show all photos."""
        if self._console.is_terminal:
            self._live.update(_picture(photos, now))
            return
        for photo in photos:
            if self._shown.get(photo.sent.key) != (state := _state(photo)):
                self._shown[photo.sent.key] = state
                self._console.print(_line(photo, now), soft_wrap=True)

    def remark(self, text: str) -> None:
        """Show a remark."""
        self._console.print(text, style="yellow", soft_wrap=True)


def _picture(photos: Sequence[TrackedPhoto], now: datetime) -> RenderableType:
    if len(photos) <= _ROWS:
        return _table(photos, now)
    moving = [photo for photo in photos if photo.job is not None and not photo.is_settled]
    return Group(_totals(photos), _table(moving[:_ROWS], now))


def _table(photos: Sequence[TrackedPhoto], now: datetime) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="ellipsis", no_wrap=True, max_width=40)
    table.add_column(width=7)
    table.add_column(min_width=12)
    table.add_column(justify="right", style="bright_black")
    table.add_column(overflow="ellipsis", no_wrap=True, style="bright_black")
    for photo in photos:
        why = explanation(photo.job) if photo.job else ""
        elapsed = duration(photo.age(now))
        table.add_row(plain(photo.sent.key), _steps(photo), state_text(_state(photo)), elapsed, why)
    return table


def _steps(photo: TrackedPhoto) -> Text:
    """Return the states of the normal path as dots: filled up to the current state."""
    if photo.job is None:
        return Text("○" * len(_PATH), "bright_black")
    style = STATE_STYLES[photo.job.state]
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
        ProgressBar(total=len(photos), completed=settled, width=30),
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
