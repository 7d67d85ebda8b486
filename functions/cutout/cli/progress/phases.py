"""The phases of a long command and their times: live on a terminal, line by line elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cutout.cli.progress.clock import Clock

_NAME_WIDTH = 8


class Phases:
    """Times phases, several at once if need be, and prints a line when one ends."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self.console = console
        self._clock = clock
        self._began: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def begin(self, phase: str) -> None:
        """Start a phase."""
        self._began[phase] = self._clock.monotonic()

    def end(self, phase: str, note: str = "") -> None:
        """End a phase and print its line; `note` is its result."""
        self._seconds[phase] = self._elapsed(phase)
        self._print("✓", "green", phase, note)
        del self._began[phase]

    @contextmanager
    def phase(self, name: str) -> Iterator[Callable[[str], None]]:
        """Run the context as a phase; the yielded function sets its note."""
        notes: list[str] = []
        self.begin(name)
        with self._crossed_out_on_error():
            yield notes.append
        self.end(name, " ".join(notes))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the running phases on a terminal while the context lasts."""
        live = Live(
            console=self.console, get_renderable=self._render, refresh_per_second=8, transient=True
        )
        with (
            self._crossed_out_on_error(),
            live if self.console.is_terminal else nullcontext(),
        ):
            yield

    def rounded(self) -> dict[str, float]:
        """Return the seconds of each phase that has ended."""
        return {phase: round(seconds, 1) for phase, seconds in self._seconds.items()}

    @contextmanager
    def _crossed_out_on_error(self) -> Iterator[None]:
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
        end = f"  {note}" if note else ""
        self.console.print(Text.assemble((mark, style), f" {phase:{_NAME_WIDTH}}", time, end))

    def _render(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        for phase in list(self._began):
            elapsed = Text(f"{self._elapsed(phase):5.1f} s", "note")
            grid.add_row(Spinner("dots", style="cyan"), f"{phase:{_NAME_WIDTH}}", elapsed)
        return grid
