"""How far a reader goes through the core to follow one upload, from its event to its cut-out.

    python -m tests.benchmarks.walk        # prints each stop, and the sums

The reader opens each function where it is first called, goes to its file, and goes back to the
caller's when the function ends. A return is a stop at a file that was open before. Calls that come
from fakes are left out, and so is the decorator of dataclasses, which stands for the standard
library's.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

from cutout.domain.states import State
from tests.support.fakes.world import World, token_for

ROOT = Path(__file__).parents[2]
_CORE = ROOT / "functions/cutout"
_LAYERS = {"domain", "ports", "usecases"}
_FROM = {__file__, sys.modules[World.__module__].__file__}
"""Files that take the place of the functions' handlers."""


@dataclass
class Walk:
    """The stops in their order, each a file of the core and what is read there."""

    stops: list[tuple[str, str]] = field(default_factory=list)
    _read: set[CodeType] = field(default_factory=set)
    _open: set[FrameType] = field(default_factory=set)

    @property
    def files(self) -> set[str]:
        """The files that were opened."""
        return {file for file, _function in self.stops}

    @property
    def returns(self) -> int:
        """How often a file was opened again."""
        return len(self.stops) - len(self.files)

    def trace(self, frame: FrameType, event: str, _arg: object) -> None:
        """A hook for `sys.setprofile`."""
        if event == "call" and frame.f_code not in self._read:
            caller = _caller(frame)
            if _file(frame) and (_file(caller) or caller.f_code.co_filename in _FROM):
                self._read.add(frame.f_code)
                self._open.add(frame)
                self._stop(caller)
                self._stop(frame)
        elif event == "return" and frame in self._open:
            self._open.remove(frame)
            self._stop(_caller(frame))

    def _stop(self, frame: FrameType) -> None:
        file = _file(frame)
        if file and (not self.stops or self.stops[-1][0] != file):
            self.stops.append((file, frame.f_code.co_qualname))


def _file(frame: FrameType) -> str | None:
    """The file of the core that a function is in; None if it is not of the core."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(_CORE) or path.name == "dataclass.py":
        return None
    file = path.relative_to(_CORE)
    return str(file) if file.parts[0] in _LAYERS else None


def _caller(frame: FrameType) -> FrameType:
    """The project's function that made the call, perhaps by way of the standard library."""
    caller = frame.f_back
    while caller is not None and not Path(caller.f_code.co_filename).is_relative_to(ROOT):
        caller = caller.f_back
    return caller or frame


def walk() -> Walk:
    """Follow one upload that is paid for, called back, and stored."""
    world, walked = World(), Walk()
    sys.setprofile(walked.trace)
    try:
        job = world.arrives()
        task_id = world.task_of(job)
        world.evolink.complete(task_id)
        world.receive_callback.receive(token_for(job), json.dumps({"id": task_id}))
        world.deliver_all()
    finally:
        sys.setprofile(None)
    assert world.job(job).state is State.COMPLETED
    return walked


def main() -> None:
    """Print each stop, and the sums."""
    walked = walk()
    stops = "".join(f"{file:50} {function}\n" for file, function in walked.stops)
    sys.stdout.write(f"{stops}{len(walked.files)} files, {walked.returns} returns\n")


if __name__ == "__main__":
    main()
