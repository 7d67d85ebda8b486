"""The product with one mechanism broken on purpose: the simulation must notice each.

Each mutation is a context manager that replaces a piece of the product's own code and puts it
back. They exist to show that the simulation can fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replace `owner.name` of the product for a while."""
    original = vars(owner)[name] if isinstance(owner, type) else getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


class Mutations(dict[str, Callable[[], AbstractContextManager[None]]]):
    """The mutations by name: what each breaks."""

    def of(self, owner: Any, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function that replaces `owner.name`."""

        def register(broken: Callable[..., Any]) -> Callable[..., Any]:
            label = broken.__name__.replace("_", " ")
            self[label] = lambda: replaced(owner, name, broken)
            return broken

        return register
