"""What can go wrong with the local cloud, in words for the person who started it."""

from __future__ import annotations


class LocalCloudError(Exception):
    """The local cloud cannot do what was asked.

    Attributes:
        advice: What the person can do about it.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice
