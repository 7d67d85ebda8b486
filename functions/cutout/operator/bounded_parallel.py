"""Processing many items in parallel, without keeping all of them in memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")
Made = TypeVar("Made")


def bounded_map(
    work: Callable[[Thing], Made], things: Iterable[Thing], *, at_once: int
) -> Generator[Made]:
    """The results of `work` for each item, in order; at most `at_once` items are read ahead.

    If the caller stops reading, work that has not begun is cancelled.
    """
    # One at a time needs no thread.
    if at_once == 1:
        yield from map(work, things)
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415 - loads slowly

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
            # A thread that has begun cannot be stopped; the pool waits for it.
            for one in pending:
                one.cancel()
