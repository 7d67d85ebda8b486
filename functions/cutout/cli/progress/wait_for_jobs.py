"""Waiting for uploaded photos to come to an end, and telling of every state on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from cutout.cli.output.describe import lasted, settled_at
from cutout.domain.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cutout.cli.aws.stack import Sent, Stack
    from cutout.cli.progress.clock import Clock
    from cutout.domain.job.job import Job

_PAUSE_SECONDS = 0.4
_SLOWEST_PAUSE_SECONDS = 5.0
_PHOTOS_FOR_ONE_PAUSE = 25
_STRANGE_AFTER_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Followed:
    """How one upload stands; no job yet means that the stack has not taken note of it."""

    sent: Sent
    job: Job | None

    @property
    def is_settled(self) -> bool:
        """Nothing happens to it any more."""
        return self.job is not None and self.job.state.is_settled

    @property
    def is_completed(self) -> bool:
        """Its cut-out is there."""
        return self.job is not None and self.job.state is State.COMPLETED

    def age(self, now: datetime) -> timedelta:
        """Return the time from the upload to the end, or until now.

        The upload's time is this machine's, the end's the cloud's; should their clocks disagree,
        the job's own time is the better answer.
        """
        ended = settled_at(self.job) if self.job else None
        if self.job is not None and ended is not None:
            return max(ended - self.sent.at, lasted(self.job))
        return max(now - self.sent.at, timedelta(0))


class Watcher(Protocol):
    """Somebody who is shown how the uploads stand."""

    def show(self, photos: Sequence[Followed], *, now: datetime) -> None:
        """Look at all of them as they stand now."""

    def remark(self, text: str) -> None:
        """Hear something worth knowing."""


def follow(
    stack: Stack,
    sent: Sequence[Sent],
    *,
    clock: Clock,
    watcher: Watcher,
    timeout_seconds: float | None,
) -> list[Followed]:
    """Look until every upload has settled or the time is up; return how they stand."""
    began = clock.monotonic()
    jobs: dict[str, Job] = {}
    warned = False
    while True:
        open_ones = [one for one in sent if not _is_settled(jobs, one)]
        jobs |= stack.find(open_ones)
        photos = [Followed(sent=one, job=jobs.get(one.key)) for one in sent]
        watcher.show(photos, now=clock.now())
        elapsed = clock.monotonic() - began
        if all(photo.is_settled for photo in photos) or _is_over(elapsed, timeout_seconds):
            return photos
        if not warned and elapsed >= _STRANGE_AFTER_SECONDS:
            warned = _warn_of_unseen(photos, watcher)
        clock.sleep(_pause(len(open_ones)))


def _is_settled(jobs: Mapping[str, Job], sent: Sent) -> bool:
    job = jobs.get(sent.key)
    return job is not None and job.state.is_settled


def _is_over(elapsed: float, timeout_seconds: float | None) -> bool:
    return timeout_seconds is not None and elapsed >= timeout_seconds


def _pause(count: int) -> float:
    """A large upload is looked at less often, so that looking costs the table little."""
    return min(_PAUSE_SECONDS * max(1.0, count / _PHOTOS_FOR_ONE_PAUSE), _SLOWEST_PAUSE_SECONDS)


def _warn_of_unseen(photos: Sequence[Followed], watcher: Watcher) -> bool:
    unseen = [photo.sent.key for photo in photos if photo.job is None]
    if unseen:
        watcher.remark(
            f"The stack has not taken note of {unseen[0]}"
            + (f" and {len(unseen) - 1} more" if len(unseen) > 1 else "")
            + " for a minute. Does it watch this prefix? Is anything in its dead-letter queues?"
        )
    return bool(unseen)
