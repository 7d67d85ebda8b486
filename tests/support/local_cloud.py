"""Doubles for starting a local cloud."""


class NoProgress:
    """Reports nothing."""

    def begin(self, phase: str) -> None:
        """Do nothing."""

    def end(self, phase: str, note: str = "") -> None:
        """Do nothing."""
