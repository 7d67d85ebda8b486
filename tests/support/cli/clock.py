"""A clock for the command line that stands still until somebody sleeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cutout.cli.progress.clock import Clock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class HandClock(Clock):
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        """Return noon, later by all sleeps."""
        return NOON + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """Return the time that was slept."""
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.elapsed += seconds
