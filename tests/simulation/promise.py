"""What happens when a promise does not hold."""

from __future__ import annotations

from tests.simulation.evidence import Evidence


class PromiseBrokenError(AssertionError):
    """A promise that does not hold; the message names it and the seed that shows it."""


def demand(evidence: Evidence, holds: bool, promise: int, text: str) -> None:  # noqa: FBT001
    """State what must hold.

    Raises:
        PromiseBrokenError: it does not.
    """
    if not holds:
        raise PromiseBrokenError(f"promise {promise}, {evidence.label}: {text}")
