"""Photos on their way, live: a row each for a few, a bar and what moves for many."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cutout.cli.output.describe import STATE_STYLES, duration, explanation
from cutout.domain.states import State
from cutout.domain.text.sanitize import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from types import TracebackType

    from rich.console import Console, RenderableType

    from cutout.cli.progress.wait_for_jobs import Followed

_ROWS = 15
_UPLOADED = "uploaded"
_WAY = (State.QUEUED, State.SUBMITTING, State.PROCESSING, State.STORING, State.COMPLETED)


class Board:
    """Shows followed photos: a live table on a terminal, else a line for every step. A context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._shown: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Start to show."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop to show."""
        if self._console.is_terminal:
            self._live.stop()

    def show(self, photos: Sequence[Followed], *, now: datetime) -> None:
        """Look at all of them as they stand now."""
        if self._console.is_terminal:
            self._live.update(_picture(photos, now))
            return
        for photo in photos:
            if self._shown.get(photo.sent.key) != (state := _state(photo)):
                self._shown[photo.sent.key] = state
                self._console.print(_line(photo, now), soft_wrap=True)

    def remark(self, text: str) -> None:
        """Say something worth knowing."""
        self._console.print(text, style="yellow", soft_wrap=True)


def state_text(state: str) -> Text:
    """Return a state in its colour."""
    return Text(state, STATE_STYLES.get(State(state), "") if state in set(State) else "")


def _picture(photos: Sequence[Followed], now: datetime) -> RenderableType:
    if len(photos) <= _ROWS:
        return _table(photos, now)
    moving = [photo for photo in photos if photo.job is not None and not photo.is_settled]
    return Group(_totals(photos), _table(moving[:_ROWS], now))


def _table(photos: Sequence[Followed], now: datetime) -> Table:
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


def _steps(photo: Followed) -> Text:
    """Return the way as dots: gone, here, to go."""
    if photo.job is None:
        return Text("○" * len(_WAY), "bright_black")
    style = STATE_STYLES[photo.job.state]
    gone = _WAY.index(photo.job.state) + 1 if photo.job.state in _WAY else len(_WAY) - 2
    return Text.assemble(("●" * gone, style), ("○" * (len(_WAY) - gone), "bright_black"))


def _totals(photos: Sequence[Followed]) -> Table:
    counts = Counter(_state(photo) for photo in photos)
    settled = sum(photo.is_settled for photo in photos)
    grid = Table.grid(padding=(0, 2))
    said = Text(", ").join(
        Text.assemble(f"{count} ", state_text(state)) for state, count in counts.most_common()
    )
    grid.add_row(
        ProgressBar(total=len(photos), completed=settled, width=30),
        f"{settled} of {len(photos)}",
        said,
    )
    return grid


def _line(photo: Followed, now: datetime) -> str:
    why = explanation(photo.job) if photo.job else ""
    told = f"{duration(photo.age(now)):>7}  {plain(photo.sent.key)}  {_state(photo)}"
    return f"{told}  {why}" if why else told


def _state(photo: Followed) -> str:
    return photo.job.state.value if photo.job else _UPLOADED
