"""Repeating a call whose outcome stayed unknown for the grace time: the same body, the same key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cutout.attempt import Attempt
from cutout.gate import Pause
from cutout.job import Job
from cutout.ports.buckets import PHOTO_LINK_LIVES
from cutout.states import Move, Reason
from cutout.usecases.record import Recorder
from cutout.usecases.timing import Timing

_MOST_POSTS = 2
"""A body is sent at most twice: its link to the photo would not outlive a third grace time."""
_FETCHING = timedelta(minutes=20)
"""How long after a call the provider may still read the photo by the link in it."""


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Decides about one unconfirmed job whose time has come, and records what it decides."""

    recorder: Recorder
    timing: Timing

    def decide(self, job: Job) -> Job:
        """The job in `submitting`: its body goes once more now; else postponed, or over."""
        superseded = self.recorder.why_superseded(job)
        if superseded:
            return self._settle(job, Move.SUPERSEDE, superseded)
        now = self.recorder.clock.now()
        attempt = job.attempt
        if attempt is None or attempt.body is None or self._is_given_up(attempt, now):
            return self._settle(job, Move.FAIL, Reason.OUTCOME_UNKNOWN)
        gate = self.recorder.store.read_gate()
        if gate.pause is not None and gate.is_paused(now):
            return self._postpone(job, attempt, gate.pause)
        again = job.with_attempt(replace(attempt, posts=attempt.posts + 1))
        again = again.move(Move.REPEAT, now=now, due_at=now + self.timing.lease)
        return self.recorder.record(job, again)

    def _is_given_up(self, attempt: Attempt, now: datetime) -> bool:
        """It was repeated, or its repeats have failed to leave until the deadline."""
        is_too_old = now - attempt.started_at >= self.timing.job_deadline
        return attempt.posts >= _MOST_POSTS or is_too_old

    def _postpone(self, job: Job, attempt: Attempt, pause: Pause) -> Job:
        """Intake is paused, for repeats too, for as long as the photo can be read by the body."""
        now = self.recorder.clock.now()
        latest = attempt.started_at + self._good_for(attempt)
        if now >= latest:
            message = "intake stayed paused until the call could not be repeated any more"
            return self._settle(job, Move.FAIL, Reason.OUTCOME_UNKNOWN, message=message)
        look_at = min(latest, now + self.timing.poll_interval, pause.until or latest)
        later = job.move(
            Move.REPEAT_LATER,
            now=now,
            reason=Reason.GATE_PAUSED,
            due_at=look_at,
            message=job.message,
        )
        return self.recorder.record(job, later)

    def _good_for(self, attempt: Attempt) -> timedelta:
        """How long after its start the body may go: a copy outlives the deadline, a link does not.

        Copies at the Files API are kept for 72 hours.
        """
        return self.timing.job_deadline if attempt.file_id else PHOTO_LINK_LIVES - _FETCHING

    def _settle(self, job: Job, move: Move, reason: Reason, *, message: str | None = None) -> Job:
        settled = job.settle(
            move,
            now=self.recorder.clock.now(),
            retention=self.timing.retention,
            reason=reason,
            message=message,
        )
        return self.recorder.record(job, settled)
