"""Clocks that differ: each worker has its own, and none shows the true time."""

from __future__ import annotations

from datetime import datetime

from tests.simulation.actors import working
from tests.support.fakes.clock import FakeClock


class WorkersClock(FakeClock):
    """The time of the current worker's clock; outside of workers, the true time."""

    def now(self) -> datetime:
        actor = working()
        return super().now() + actor.clock_error if actor else super().now()

    @property
    def true(self) -> TrueClock:
        """The time that AWS and the provider use."""
        return TrueClock(self)

    def true_now(self) -> datetime:
        return super().now()


class TrueClock:
    """Return the time."""

    def __init__(self, clock: WorkersClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.true_now()
