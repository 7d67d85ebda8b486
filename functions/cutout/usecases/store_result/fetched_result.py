"""Fetching a task's result, and what the steps that store it have found so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import (
    FetchRefusedError,
    IllegalMoveError,
    PictureError,
    ResponseLostError,
)
from cutout.domain.job.job import Job
from cutout.domain.job.photo import Photo
from cutout.domain.object_keys import review_key
from cutout.domain.photo.acceptance import MAGIC_BYTES, begins_as_picture, breaks_off, why_not
from cutout.domain.photo.picture import Picture
from cutout.domain.provider import Task
from cutout.domain.states import Pixels, Reason
from cutout.ports.pictures import Pictures
from cutout.ports.provider_api import Downloads
from cutout.ports.telemetry import Clock

_READ_AGAIN_FOR = timedelta(minutes=15)
_NO_PICTURE = "what the link serves cannot be read as a picture"


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
        is_accepted: a person accepted it: the checks do not count.
    """

    job: Job
    task: Task
    file: Path
    picture: Picture | None = None
    review_reason: Reason | None = None
    place: str | None = None
    pixels: Pixels = Pixels.MODEL
    remark: str | None = None
    is_accepted: bool = False

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


@dataclass(frozen=True, kw_only=True)
class ResultFetcher:
    """Downloads results and checks that they are cut-outs."""

    downloads: Downloads
    pictures: Pictures
    clock: Clock

    def fetch(self, job: Job, task: Task, file: Path, *, is_decoded: bool) -> FetchedResult:
        """Download the result into `file`, and decode it if `is_decoded`.

        Raises:
            FetchRefusedError: the link must not be fetched, or serves something else.
            TransientError: the result cannot be fetched now.
            PictureError: the link has served no image for `_READ_AGAIN_FOR`.
        """
        if task.result_url is None:
            raise FetchRefusedError("the task is completed but names no result")
        self.downloads.fetch(task.result_url, file)
        if self._is_read_again(job) and _breaks_off(file):
            raise ResponseLostError("the result's file breaks off before its end")
        fetched = FetchedResult(job=job, task=task, file=file)
        return self._decoded(fetched) if is_decoded else fetched

    def check(self, fetched: FetchedResult) -> FetchedResult:
        """Decode the result and check that it is a cut-out of the photo."""
        picture = self.pictures.examine(fetched.file)
        reason = None if fetched.is_accepted else why_not(picture, fetched.photo)
        return replace(fetched, picture=picture, review_reason=reason)

    def _decoded(self, fetched: FetchedResult) -> FetchedResult:
        """The checked result.

        An image that stays damaged is the result, and fails the check. What never was an image is
        not a result.
        """
        # A link may be published before its file is complete, so it is fetched again for a while.
        checked = self.check(fetched)
        if checked.picture is None and self._is_read_again(fetched.job):
            raise ResponseLostError(_NO_PICTURE)
        if checked.picture is None and not _begins_as_picture(fetched.file):
            raise PictureError(_NO_PICTURE)
        return checked

    def _is_read_again(self, job: Job) -> bool:
        return self.clock.now() - job.in_state_since < _READ_AGAIN_FOR


def _breaks_off(file: Path) -> bool:
    with file.open("rb") as stream:
        return breaks_off(stream)


def _begins_as_picture(file: Path) -> bool:
    with file.open("rb") as stream:
        return begins_as_picture(stream.read(MAGIC_BYTES))
