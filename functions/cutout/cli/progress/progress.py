"""The progress of a long command: live on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from cutout.cli.output.terminal import stderr
from cutout.cli.output.units import counted

if TYPE_CHECKING:
    from rich.status import Status

    from cutout.cli.progress.clock import Clock

_QUIET_SECONDS = 2.0
_LINE_SECONDS = 10.0


class ProgressLine:
    """Shows progress once a command takes longer than two seconds. A context manager."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._printed = self._began
        self._status: Status | None = None
        self.jobs_read = 0

    def __enter__(self) -> Self:
        """Start the stopwatch."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove the live line."""
        if self._status is not None:
            self._status.stop()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._began

    def show_read(self, jobs: int) -> None:
        """Show how many jobs were read so far."""
        self.jobs_read = jobs
        self.show(f"read {counted(jobs, 'job')}")

    def show(self, text: str) -> None:
        """Show how far the command is."""
        if self.seconds < _QUIET_SECONDS:
            return
        console = stderr()
        if console.is_terminal:
            # Started late, so that a command that is quick shows nothing.
            if self._status is None:
                self._status = console.status(text)
                self._status.start()
            self._status.update(text)
            return
        now = self._clock.monotonic()
        if now - self._printed >= _LINE_SECONDS or self._printed == self._began:
            self._printed = now
            console.print(text, style="note", soft_wrap=True)
