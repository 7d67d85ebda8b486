"""What happens at a time of its own, whatever the workers do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.support.fakes.clock import FakeClock


@dataclass(order=True)
class Planned:
    """Something that happens at a time, whatever the workers do."""

    at: datetime
    number: int
    act: Callable[[], object]


class Agenda:
    """What is planned, done once its time has come."""

    def __init__(self, clock: FakeClock) -> None:
        self.plans: list[Planned] = []
        self._clock = clock
        self._planned = 0

    def plan(self, seconds: float, act: Callable[[], object]) -> None:
        """Do this so many seconds from now."""
        self._planned += 1
        at = self._clock.now() + timedelta(seconds=seconds)
        self.plans.append(Planned(at=at, number=self._planned, act=act))

    def do_what_is_due(self) -> None:
        """In the order of their times."""
        while self.plans and min(self.plans).at <= self._clock.now():
            plan = min(self.plans)
            self.plans.remove(plan)
            plan.act()
