"""Errors of the local cloud, with advice for the person who runs it."""


class LocalCloudError(Exception):
    """The local cloud cannot do what a command asks for; the advice is for the person."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice
