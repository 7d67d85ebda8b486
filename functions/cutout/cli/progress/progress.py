"""How far a long command is: live on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.status import Status

    from cutout.cli.progress.clock import Clock

_QUIET_SECONDS = 2.0
_LINE_SECONDS = 10.0


class Tally:
    """Says how far it is once it takes longer than two seconds. A context."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._began = clock.monotonic()
        self._said = self._began
        self._status: Status | None = None

    def __enter__(self) -> Self:
        """Start to take the time."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take away what is live."""
        if self._status is not None:
            self._status.stop()

    @property
    def seconds(self) -> float:
        """So long it has taken."""
        return self._clock.monotonic() - self._began

    def at(self, text: str) -> None:
        """Be told how far it is."""
        if self.seconds < _QUIET_SECONDS:
            return
        if self._console.is_terminal:
            if self._status is None:
                self._status = self._console.status(text)
                self._status.start()
            self._status.update(text)
            return
        now = self._clock.monotonic()
        if now - self._said >= _LINE_SECONDS or self._said == self._began:
            self._said = now
            self._console.print(text, style="note", soft_wrap=True)
