"""Workers that run one at a time and stop at every step, so that a seed decides the order.

Each worker is a thread, but only the one that holds the baton runs; it gives the baton back at
each call of `Stage.step`. Nothing depends on the operating system's scheduling.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime


class Killed(BaseException):
    """The worker's process ends here: nothing after this line runs."""


class Actor:
    """One worker on one message."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.name = name
        self.at = "start"
        self.error: BaseException | None = None
        self.is_done = False
        self.stalled_until: datetime | None = None
        self.is_slow = True
        """It may stall."""
        self._strike: Exception | Killed | None = None
        # Plain locks, which one thread takes and the other gives: the quickest baton there is.
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._thread = threading.Thread(target=self._main, args=(run,), daemon=True)

    def resume(self, strike: Exception | Killed | None = None) -> None:
        """Run up to the next step; `strike` is raised where the worker stands."""
        self._strike = strike
        if self.at == "start":
            self.at = "begun"
            self._thread.start()
        else:
            self._go.release()
        self._back.acquire()
        if self.is_done:
            self._thread.join()

    def pause(self, name: str) -> None:
        """Called on the worker's own thread: stop here."""
        self.at = name
        self._back.release()
        self._go.acquire()
        if self._strike is not None:
            strike, self._strike = self._strike, None
            raise strike

    def _main(self, run: Callable[[], None]) -> None:
        _current.actor = self
        try:
            run()
        except BaseException as exc:  # noqa: BLE001 - handed to the engine, which judges it
            self.error = exc
        self.is_done = True
        self._back.release()


class _Current(threading.local):
    actor: Actor | None = None


_current = _Current()


def step(name: str) -> None:
    """The ports' hook: stops the worker that runs, if one does."""
    actor = _current.actor
    if actor is not None:
        actor.pause(name)
