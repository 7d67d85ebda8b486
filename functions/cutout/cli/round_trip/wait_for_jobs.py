"""Waiting until uploaded photos are settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from cutout.cli.output.describe import explanation, lasted, settled_at
from cutout.domain.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cutout.cli.aws.deployed_stack import Stack
    from cutout.cli.photo_files import SentPhoto
    from cutout.cli.progress.clock import Clock
    from cutout.domain.job.job import Job

_PAUSE_SECONDS = 0.4
_SLOWEST_PAUSE_SECONDS = 5.0
_PHOTOS_FOR_ONE_PAUSE = 25
_WARN_AFTER_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class TrackedPhoto:
    """An uploaded photo and its job; no job means that the stack has not picked it up yet.

    Attributes:
        result_key: of the cut-out of a job that has expired.
        note: why there is no job, if that is known.
    """

    sent: SentPhoto
    job: Job | None
    result_key: str | None = None
    note: str = "not picked up by the stack yet"

    @property
    def is_settled(self) -> bool:
        """Its job has ended."""
        return self.job is not None and self.job.state.is_settled

    @property
    def is_completed(self) -> bool:
        """Its cut-out is in the results bucket."""
        return self.state == State.COMPLETED

    @property
    def state(self) -> str:
        """The state of its job."""
        if self.job is not None:
            return self.job.state.value
        return State.COMPLETED.value if self.result_key else "unknown"

    @property
    def why(self) -> str:
        """Why it is in this state."""
        return explanation(self.job) if self.job else self.note

    def age(self, now: datetime) -> timedelta:
        """Return the time from the upload to the end, or until now.

        The time of the upload is from this machine's clock, the end is from the clock of AWS. If
        the clocks disagree, the duration of the job itself is used.
        """
        ended = settled_at(self.job) if self.job else None
        if self.job is not None and ended is not None:
            return max(ended - self.sent.at, lasted(self.job))
        return max(now - self.sent.at, timedelta(0))


class Watcher(Protocol):
    """Shows the photos while a command waits."""

    def show(self, photos: Sequence[TrackedPhoto], *, now: datetime) -> None:
        """Show all photos."""

    def remark(self, text: str) -> None:
        """Show a remark."""


def wait_for_jobs(
    stack: Stack,
    sent: Sequence[SentPhoto],
    *,
    clock: Clock,
    watcher: Watcher,
    timeout_seconds: float | None,
) -> list[TrackedPhoto]:
    """Poll until every photo is settled or the time is up; return the photos and their jobs."""
    began = clock.monotonic()
    jobs: dict[str, Job] = {}
    warned = False
    while True:
        open_ones = [one for one in sent if not _is_settled(jobs, one)]
        jobs |= stack.find(open_ones)
        photos = [TrackedPhoto(sent=one, job=jobs.get(one.key)) for one in sent]
        watcher.show(photos, now=clock.now())
        elapsed = clock.monotonic() - began
        if all(photo.is_settled for photo in photos) or _is_over(elapsed, timeout_seconds):
            return photos
        if not warned and elapsed >= _WARN_AFTER_SECONDS:
            warned = _warn_of_unseen(photos, watcher)
        clock.sleep(_pause(len(open_ones)))


def _is_settled(jobs: Mapping[str, Job], sent: SentPhoto) -> bool:
    job = jobs.get(sent.key)
    return job is not None and job.state.is_settled


def _is_over(elapsed: float, timeout_seconds: float | None) -> bool:
    return timeout_seconds is not None and elapsed >= timeout_seconds


def _pause(count: int) -> float:
    """Return the seconds between two polls; many photos are polled less often, to save reads."""
    return min(_PAUSE_SECONDS * max(1.0, count / _PHOTOS_FOR_ONE_PAUSE), _SLOWEST_PAUSE_SECONDS)


def _warn_of_unseen(photos: Sequence[TrackedPhoto], watcher: Watcher) -> bool:
    unseen = [photo.sent.key for photo in photos if photo.job is None]
    if unseen:
        watcher.remark(
            f"The stack has not picked up {unseen[0]}"
            + (f" and {len(unseen) - 1} more" if len(unseen) > 1 else "")
            + " for a minute. Does the stack watch this prefix? `cutout doctor` checks the stack."
        )
    return bool(unseen)
