"""Workers that run one at a time and stop at every step, so that a seed decides the order.

Each worker is a greenlet: it gives control back to the engine at each call of `step`, and goes on
from there when the engine says so. Nothing depends on the operating system's scheduling.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The worker's process ends here: nothing after this point runs."""


class Actor:
    """One worker on one message.

    Attributes:
        clock_error: how far its clock is ahead of the true time.
        is_slow: it may stall.
    """

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.name = name
        self.at = "start"
        self.error: BaseException | None = None
        self.is_done = False
        self.stalled_until: datetime | None = None
        self.is_slow = True
        self.clock_error = timedelta(0)
        self._run = run
        self._greenlet = _Worker(self)

    def resume(self, strike: Exception | Killed | None = None) -> None:
        """Run up to the next step; `strike` is raised where the worker has stopped."""
        if self.at == "start":
            self.at = "begun"
        self._greenlet.switch(strike)

    def main(self) -> None:
        """The worker's work."""
        try:
            self._run()
        except BaseException as exc:  # noqa: BLE001 - handed to the engine, which judges it
            self.error = exc
        self.is_done = True


class _Worker(greenlet):
    def __init__(self, actor: Actor) -> None:
        super().__init__()
        self.actor = actor

    def run(self, _strike: None) -> None:
        self.actor.main()


def working() -> Actor | None:
    """The worker that runs now, if one does."""
    current = getcurrent()
    return current.actor if isinstance(current, _Worker) else None


def step(name: str) -> None:
    """The ports' hook: stops the worker that runs, if one does."""
    current = getcurrent()
    if not isinstance(current, _Worker):
        return
    current.actor.at = name
    assert current.parent is not None
    strike = current.parent.switch()
    if strike is not None:
        raise strike
