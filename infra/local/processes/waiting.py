"""Waiting for something outside to become true, on a clock that tests can replace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """Tells how much time passes, and lets it pass."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""

    def sleep(self, seconds: float) -> None:
        """Let this many seconds pass."""


class MachineClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let this many seconds pass."""
        time.sleep(seconds)


def wait_until(
    condition: Callable[[], bool],
    clock: Clock,
    *,
    timeout_seconds: float,
    pause_seconds: float = 0.05,
) -> bool:
    """Return True as soon as the condition holds, False once the time is up."""
    deadline = clock.monotonic() + timeout_seconds
    while not condition():
        if clock.monotonic() >= deadline:
            return False
        clock.sleep(pause_seconds)
    return True
