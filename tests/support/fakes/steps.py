from __future__ import annotations

from collections.abc import Callable

Step = Callable[[str], None]
"""Called with the name of what is about to happen, or has just happened."""


def no_step(_name: str) -> None:
    """Do nothing."""
