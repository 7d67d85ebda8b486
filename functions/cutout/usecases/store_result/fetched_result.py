"""One result on its way home: what the steps that bring it know of it so far."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cutout.domain.errors import IllegalMoveError
from cutout.domain.job.job import Job, Photo
from cutout.domain.object_keys import review_key
from cutout.domain.photo.picture import Picture
from cutout.domain.provider import Task
from cutout.domain.states import Pixels, Reason


@dataclass(frozen=True, kw_only=True)
class FetchedResult:
    """A fetched result. Each step returns it with what it found or made.

    Attributes:
        task: whose result it is.
        file: its bytes, in a folder that goes when the delivery ends.
        picture: what the file shows; None if it cannot be decoded.
        doubt: why a person must look at it; None if it is accepted.
        place: where it waits for that person, once that is claimed.
        pixels: whose colours it has.
        remark: what is not as the settings ask for, and why; None if all is.
    """

    job: Job
    task: Task
    file: Path
    picture: Picture | None = None
    review_reason: Reason | None = None
    place: str | None = None
    pixels: Pixels = Pixels.MODEL
    remark: str | None = None

    @property
    def photo(self) -> Photo:
        """What was sent.

        Raises:
            IllegalMoveError: the job was never looked at, so there cannot be a result.
        """
        if self.job.photo is None:
            raise IllegalMoveError("a job without a photo cannot have a result")
        return self.job.photo

    @property
    def key(self) -> str:
        """Where it goes: the photo's result key, or its place for review.

        Raises:
            IllegalMoveError: the job never claimed a key, so there cannot be a result.
        """
        if self.job.result_key is None:
            raise IllegalMoveError("a job without a result key cannot have a result")
        if self.review_reason is None:
            return self.job.result_key
        return self.place or review_key(self.job.result_key)
