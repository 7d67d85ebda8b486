"""Repeating a call whose outcome stayed unknown for the grace time, with the same body and key.

A call that the provider certainly took, as a callback shows, is never repeated.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cutout.domain.dataclass import dataclass
from cutout.domain.job.attempt import TAKEN_UNNAMED, Attempt
from cutout.domain.job.job import Job
from cutout.domain.polling_and_timing import PHOTO_LINK_LIFE, Timing
from cutout.domain.reasons import Reason
from cutout.domain.states import Move
from cutout.ports.jobs_table import CallBodies, Gates
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.notes_and_tags import ShownVersions

_MOST_POSTS = 2
"""Its link to the photo would expire before a third call."""
_TOO_LATE = "the request could not be repeated while its link to the photo was valid"
_FETCHING = timedelta(minutes=5)
"""How long a link must still be valid, so that the provider can fetch the photo.

If the provider is slower, the task fails, costs nothing, and is tried again with a copy.
"""


@dataclass(frozen=True, kw_only=True)
class RepeatCalls:
    """Decides whether the call of an unconfirmed job is repeated, and records the decision."""

    job_writer: JobWriter
    bodies: CallBodies
    gates: Gates
    shown_versions: ShownVersions
    clock: Clock
    timing: Timing

    def body_of(self, job: Job) -> str | None:
        """The body of the last call. Earlier versions named it by the attempt's number."""
        attempt = job.attempt
        if attempt is None:
            return None
        name = attempt.body_name or str(attempt.number)
        return self.bodies.find_body(job.id, name)

    def decide(self, job: Job, body: str | None) -> Job:
        """The job in `submitting` if the body is to be sent again now; else postponed or ended."""
        superseded = self.shown_versions.why_superseded(job)
        if superseded:
            return self.job_writer.settle(job, Move.SUPERSEDE, superseded)
        now = self.clock.now()
        attempt = job.attempt
        if attempt is not None and attempt.is_taken:
            return self._keep(job, attempt)
        if attempt is None or body is None or attempt.posts >= _MOST_POSTS:
            return self._give_up(job)
        # A new link would make another body, and so a call that the provider does not know.
        good_for = self.timing.job_deadline if attempt.file_id else PHOTO_LINK_LIFE - _FETCHING
        latest = attempt.started_at + good_for
        if now >= latest:
            return self._give_up(job, _TOO_LATE)
        # The job kept its slot and its credits are counted: only a pause holds the repeat back.
        gate = self.gates.read_gate()
        if gate.pause is not None and gate.is_paused(now):
            soon = now + self.timing.poll_interval
            until = min(latest, soon, gate.pause.until or latest)
            return self._postpone(job, until, Reason.GATE_PAUSED, job.message)
        repeated = replace(attempt, posts=attempt.posts + 1, repeat_day=now.date())
        again = job.with_attempt(repeated)
        return self.job_writer.move(job, Move.REPEAT, None, wait=self.timing.lease, known=again)

    def _keep(self, job: Job, attempt: Attempt) -> Job:
        """Wait for another callback that names the task: the provider took the call."""
        until = attempt.started_at + self.timing.job_deadline
        if self.clock.now() >= until:
            return self._give_up(job, TAKEN_UNNAMED)
        return self._postpone(job, until, job.reason, TAKEN_UNNAMED)

    def _postpone(
        self, job: Job, until: datetime, reason: Reason | None, message: str | None
    ) -> Job:
        wait = until - self.clock.now()
        return self.job_writer.move(job, Move.REPEAT_LATER, reason, wait=wait, message=message)

    def _give_up(self, job: Job, message: str | None = None) -> Job:
        return self.job_writer.settle(job, Move.FAIL, Reason.OUTCOME_UNKNOWN, message=message)
