"""Waiting until uploaded photos are settled."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.gate_text import delay
from cutout.cli.output.job_text import lasted, settled_at
from cutout.cli.output.units import first_of
from cutout.cli.photo_files import SentPhoto
from cutout.cli.round_trip.downloads import UploadStatus
from cutout.domain.dataclass import dataclass

_PAUSE_SECONDS = 0.4
_SLOWEST_PAUSE_SECONDS = 5.0
_PHOTOS_FOR_ONE_PAUSE = 25
_GATE_SECONDS = 10.0
_WARN_AFTER_SECONDS = 60.0
# Longer than any step that shows no change: a request without an outcome is sent again after 20
# minutes.
_IDLE_SECONDS = 1800.0


@dataclass(frozen=True, kw_only=True)
class TrackedPhoto(UploadStatus):
    """An uploaded photo and its job; no job means that the stack has not picked it up yet.

    Attributes:
        has_ended_before: its job ended before this command; without a job, it has expired since.
    """

    sent: SentPhoto
    has_ended_before: bool = False
    note: str = "not picked up by the stack yet"

    @property
    def is_settled(self) -> bool:
        """Its job has ended."""
        return self.has_ended_before if self.job is None else self.job.state.is_settled

    def age(self, now: datetime) -> timedelta:
        """Return the time from the upload to the end, or until now."""
        if self.has_ended_before:
            return timedelta(0)  # Nothing was uploaded or waited for.
        ended = settled_at(self.job) if self.job else None
        if self.job is not None and ended is not None:
            # The time of the upload is from this machine's clock, the end is from that of AWS: they
            # may disagree.
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
    watcher: Watcher,
    timeout_seconds: float | None,
    on_settled: Callable[[TrackedPhoto], None] = lambda _photo: None,
) -> list[TrackedPhoto]:
    """Poll until every photo is settled or the time is up; return the photos and their jobs.

    Without a time-out, the time is up when no photo has changed for half an hour.
    """
    clock = stack.clock
    began = changed = clock.monotonic()
    delays = _Delays(stack, watcher)
    tracked = {one.key: TrackedPhoto(sent=one, job=None) for one in sent}
    warned = False
    while True:
        # A job that ended is not read again: a retry by another command is that command's.
        open_ones = [photo.sent for photo in tracked.values() if not photo.is_settled]
        for key, job in stack.find(open_ones).items():
            if tracked[key].job == job:
                continue
            changed = clock.monotonic()
            tracked[key] = photo = replace(tracked[key], job=job)
            if photo.is_settled:
                on_settled(photo)
        photos = list(tracked.values())
        watcher.show(photos, now=clock.now())
        delays.look(photos)
        now = clock.monotonic()
        is_over = (
            now - changed >= _IDLE_SECONDS
            if timeout_seconds is None
            else now - began >= timeout_seconds
        )
        if is_over or all(photo.is_settled for photo in photos):
            return photos
        if not warned and now - began >= _WARN_AFTER_SECONDS:
            warned = _warn_of_unseen(photos, watcher)
        clock.sleep(_pause(len(open_ones)))


class _Delays:
    """Remarks why jobs wait at the gate, once for each cause."""

    def __init__(self, stack: Stack, watcher: Watcher) -> None:
        self._stack = stack
        self._watcher = watcher
        self._looked: float | None = None
        self._causes: set[str] = set()

    def look(self, photos: Sequence[TrackedPhoto]) -> None:
        """Look at the gate if a photo waits for it, but not at every poll."""
        now = self._stack.clock.monotonic()
        if self._looked is not None and now - self._looked < _GATE_SECONDS:
            return
        jobs = [photo.job for photo in photos if photo.job]
        found = delay(jobs, self._stack.jobs.read_gate, self._stack.clock.now())
        if found is None:
            return
        self._looked = now
        if found.cause not in self._causes:
            self._causes.add(found.cause)
            self._watcher.remark(found.text)


def _pause(count: int) -> float:
    """Return the seconds between two polls; many photos are polled less often, to save reads."""
    # A poll of 100 photos is a request that reads 100 items.
    return min(_PAUSE_SECONDS * max(1.0, count / _PHOTOS_FOR_ONE_PAUSE), _SLOWEST_PAUSE_SECONDS)


def _warn_of_unseen(photos: Sequence[TrackedPhoto], watcher: Watcher) -> bool:
    unseen = [photo.sent.key for photo in photos if photo.job is None]
    if unseen:
        watcher.remark(
            f"The stack has not picked up {first_of(unseen, 1)} for a minute. "
            "Does the stack watch this prefix? `cutout doctor` checks the stack."
        )
    return bool(unseen)
