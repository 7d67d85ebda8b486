"""Work on many things a few at a time, with a progress bar on a terminal."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

_Thing = TypeVar("_Thing")
_Made = TypeVar("_Made")
AT_ONCE = 4
"""Uploads and downloads at the same time."""
_SHOWN_FROM = 5


def in_parallel(
    console: Console, title: str, work: Callable[[_Thing], _Made], things: Sequence[_Thing]
) -> list[_Made]:
    """Return the results in order. After an error, work that has not begun is cancelled."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = pool.map(work, things)
        try:
            return list(progress_bar(console, title, made, len(things)))
        # `map` cancels nothing by itself: leaving the `with` block would do all the work first.
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def progress_bar(
    console: Console, title: str, made: Iterable[_Made], total: int
) -> Iterator[_Made]:
    """Yield results as they are made, and show how many; a few are not counted."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        # A bar for a few photos would flicker.
        disable=total < _SHOWN_FROM or not console.is_terminal,
    ) as progress:
        yield from progress.track(made, total=total, description=title)
