"""A fetched result, with what the steps that store it have found so far."""

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
    """A fetched result. Each step returns a copy with what it found or made.

    Attributes:
        task: the task that made it.
        file: its bytes, in a folder that exists for one message.
        picture: the decoded image; None if it cannot be decoded.
        review_reason: why a person must review it; None if it is accepted.
        place: the key that is claimed for the review.
        pixels: whether its colours are the model's or the photo's.
        remark: how it differs from the settings, and why; None if it does not.
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
        """The photo's properties.

        Raises:
            IllegalMoveError: the photo was never checked, so there cannot be a result.
        """
        if self.job.photo is None:
            raise IllegalMoveError("a job without a photo cannot have a result")
        return self.job.photo

    @property
    def key(self) -> str:
        """Where it is stored: the photo's result key, or a key for review.

        Raises:
            IllegalMoveError: the job never claimed a key, so there cannot be a result.
        """
        if self.job.result_key is None:
            raise IllegalMoveError("a job without a result key cannot have a result")
        if self.review_reason is None:
            return self.job.result_key
        return self.place or review_key(self.job.result_key)
