"""Acting on a world at a certain step."""

from __future__ import annotations

from collections.abc import Callable


class WorkerCrashedError(BaseException):
    """The worker's process ends here; no `except Exception` may keep it alive."""


class Hook:
    """A step hook that records the steps and lets a test act at a step, once."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._acts: dict[str, Callable[[], object]] = {}

    def __call__(self, name: str) -> None:
        """Called by the fakes at every step."""
        self.seen.append(name)
        act = self._acts.pop(name, None)
        if act is not None:
            act()

    def once_at(self, name: str, act: Callable[[], object]) -> None:
        """Do this the next time that a worker reaches the step."""
        self._acts[name] = act

    def crash_at(self, name: str) -> None:
        """End the worker the next time that it reaches the step."""

        def crash() -> None:
            raise WorkerCrashedError(name)

        self.once_at(name, crash)
