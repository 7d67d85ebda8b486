"""What starting a local cloud needs in tests: a clock, and an observer of its phases."""

import time


class NoProgress:
    """Reports nothing."""

    def begin(self, phase: str) -> None:
        """Do nothing."""

    def end(self, phase: str, note: str = "") -> None:
        """Do nothing."""


class MachineClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""
        time.sleep(seconds)
