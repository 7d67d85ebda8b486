"""The phases of a start, and the interface to report them."""

from __future__ import annotations

from typing import Protocol

CLOUD = "cloud"
SYNTH = "synth"
DEPLOY = "deploy"
DOWN = "down"


class Progress(Protocol):
    """Receives the phases of a start, which may overlap."""

    def begin(self, phase: str) -> None:
        """Report that a phase begins."""

    def end(self, phase: str, note: str = "") -> None:
        """Report that a phase has ended; ``note`` describes its result."""


class NoProgress:
    """Reports nothing."""

    def begin(self, phase: str) -> None:
        """Do nothing."""

    def end(self, phase: str, note: str = "") -> None:
        """Do nothing."""
