"""The phases of a start, and the interface to report them."""

from typing import Protocol

CLOUD = "cloud"
SYNTH = "synth"
DEPLOY = "deploy"


class Progress(Protocol):
    """Receives the phases of a start, which may overlap."""

    def begin(self, phase: str) -> None:
        """Report that a phase begins."""

    def end(self, phase: str, note: str = "") -> None:
        """Report that a phase has ended; ``note`` describes its result."""
