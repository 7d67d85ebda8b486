"""How the local cloud tells what it is doing, in the words of whoever watches."""

from __future__ import annotations

from typing import Protocol

CLOUD = "cloud"
SYNTH = "synth"
DEPLOY = "deploy"
DOWN = "down"


class Progress(Protocol):
    """Somebody who watches. Phases may overlap."""

    def begin(self, phase: str) -> None:
        """Take note that a phase begins."""

    def end(self, phase: str, note: str = "") -> None:
        """Take note that a phase is over; ``note`` says what came of it."""


class NoProgress:
    """Nobody watches."""

    def begin(self, phase: str) -> None:
        """Do nothing."""

    def end(self, phase: str, note: str = "") -> None:
        """Do nothing."""
