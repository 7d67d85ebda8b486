"""A person who presses Ctrl-C while several photos are processed at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any


def interrupted_once_b_is_done(work: Callable[..., Any], key_of: Callable[..., str]) -> Any:
    """Return work that is interrupted at a.jpg as soon as another photo is done."""
    b_is_done = Event()

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if key_of(*arguments) == "a.jpg":
            assert b_is_done.wait(30)
            raise KeyboardInterrupt
        done = work(*arguments, **options)
        b_is_done.set()
        return done

    return interrupted
