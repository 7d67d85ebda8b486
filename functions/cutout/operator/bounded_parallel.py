"""Work on a long row of things, a few at once, without ever holding all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Made = TypeVar("Made")


def bounded_map(
    work: Callable[[Thing], Made], things: Iterable[Thing], *, at_once: int
) -> Generator[Made]:
    """What `work` makes of each, in order; the things are read only so far ahead.

    Whoever stops to listen stops the work: what has not begun is not done.
    """
    pending: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for thing in things:
                pending.append(pool.submit(work, thing))
                if len(pending) >= at_once:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for one in pending:
                one.cancel()
