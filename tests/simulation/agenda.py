"""Events that happen at a time of their own, whatever the workers do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.support.fakes.clock import FakeClock


@dataclass(order=True)
class Planned:
    """An event at a time of its own."""

    at: datetime
    number: int
    act: Callable[[], object]


class Agenda:
    """The planned events, which happen when their time has come."""

    def __init__(self, clock: FakeClock) -> None:
        self.plans: list[Planned] = []
        self._clock = clock
        self._planned = 0

    def plan(self, seconds: float, act: Callable[[], object]) -> None:
        """Plan an event in so many seconds."""
        self._planned += 1
        at = self._clock.now() + timedelta(seconds=seconds)
        self.plans.append(Planned(at=at, number=self._planned, act=act))

    def do_what_is_due(self) -> None:
        """Return the events in the order of their times."""
        while self.plans and min(self.plans).at <= self._clock.now():
            plan = min(self.plans)
            self.plans.remove(plan)
            plan.act()
