"""Waiting for a condition, with a clock that tests can replace."""

from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Measures time, and waits."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""

    def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""


def wait_until(
    condition: Callable[[], bool],
    clock: Clock,
    *,
    timeout_seconds: float,
    pause_seconds: float = 0.05,
) -> bool:
    """Return True as soon as the condition holds, False after the time-out."""
    deadline = clock.monotonic() + timeout_seconds
    while not condition():
        if clock.monotonic() >= deadline:
            return False
        clock.sleep(pause_seconds)
    return True
