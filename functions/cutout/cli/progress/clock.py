"""The clock of the command line: the date, stopwatches and pauses."""

import time

from cutout.adapters.system_clock import SystemClock


class Clock(SystemClock):
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return seconds since a fixed time."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""
        time.sleep(seconds)
