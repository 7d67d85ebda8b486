"""Phases of a long command with their times: live on a terminal, line by line elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType

    from cutout.cli.progress.clock import Clock

_NAME_WIDTH = 8


class Phases:
    """Times phases, of which several may go on at once, and prints a line when one is over."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self.console = console
        self._clock = clock
        self._began: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def begin(self, phase: str) -> None:
        """Take note that a phase begins."""
        self._began[phase] = self._clock.monotonic()

    def end(self, phase: str, note: str = "") -> None:
        """Take note that a phase is over."""
        self._seconds[phase] = self._elapsed(phase)
        self._print("✓", "green", phase, note)
        del self._began[phase]

    @contextmanager
    def phase(self, name: str) -> Iterator[Callable[[str], None]]:
        """Make a phase of what happens in the context; the note on it can be called in."""
        notes: list[str] = []
        self.begin(name)
        with self._broken_off():
            yield notes.append
        self.end(name, " ".join(notes))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show on a terminal, while the context lasts, what goes on."""
        live = Live(
            console=self.console, get_renderable=self._render, refresh_per_second=8, transient=True
        )
        with self._broken_off():
            if not self.console.is_terminal:
                yield
                return
            with live:
                yield

    def rounded(self) -> dict[str, float]:
        """Return the seconds of each phase that is over."""
        return {phase: round(seconds, 1) for phase, seconds in self._seconds.items()}

    @contextmanager
    def _broken_off(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            for phase in list(self._began):
                self._print("✗", "red", phase, "")
                del self._began[phase]
            raise

    def _elapsed(self, phase: str) -> float:
        return self._clock.monotonic() - self._began[phase]

    def _print(self, mark: str, style: str, phase: str, note: str) -> None:
        time = (f"{self._elapsed(phase):6.1f} s", "note")
        said = f"  {note}" if note else ""
        self.console.print(Text.assemble((mark, style), f" {phase:{_NAME_WIDTH}}", time, said))

    def _render(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        for phase in list(self._began):
            elapsed = Text(f"{self._elapsed(phase):5.1f} s", "note")
            grid.add_row(Spinner("dots", style="cyan"), f"{phase:{_NAME_WIDTH}}", elapsed)
        return grid
