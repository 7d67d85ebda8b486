"""What a person may do to a running stack: pause, resume, change limits, try a photo again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cutout.domain.gate import Gate, Limits, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.states import Lane, Move, Reason, State, Transport
from cutout.ports.jobs_table import Gates, Jobs
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.admission import AdmissionScheduler, change_gate
from cutout.usecases.shared.recheck_attempts import next_to_recheck, rechecking, reopened

_FORGOTTEN: dict[str, Any] = {
    "result": None,
    "reused": None,
    "is_owner": False,
    "handovers_failed": 0,
    "preparations": 0,
    "trying_since": None,
    "upright": None,
}
"""What a retried job no longer is or has."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A person's hand on the gate and on single jobs."""

    jobs: Jobs
    gates: Gates
    admission: AdmissionScheduler
    submissions: SubmissionQueue
    clock: Clock
    lease: timedelta

    def pause(self) -> Gate:
        """Let nobody in until a person resumes; what is in flight goes on."""
        now = self.clock.now()
        return change_gate(self.gates, lambda gate: gate.pausing(PauseReason.OPERATOR, now, None))

    def resume(self) -> Gate:
        """Open the gate, whatever closed it, and wake who waits."""
        gate = change_gate(self.gates, Gate.resuming)
        self.admission.enqueue_waiting()
        return gate

    def set_limits(
        self,
        *,
        max_in_flight: int | None = None,
        daily_credit_cap: Decimal | None = None,
    ) -> Gate:
        """Change limits from now on, over the deployed ones; None leaves a limit as it is."""

        def rule(gate: Gate) -> Gate:
            current = gate.limits or self.admission.limits
            changed = Limits(
                max_in_flight=current.max_in_flight if max_in_flight is None else max_in_flight,
                daily_credit_cap=(
                    current.daily_credit_cap if daily_credit_cap is None else daily_credit_cap
                ),
            )
            return replace(gate, limits=changed)

        gate = change_gate(self.gates, rule)
        self.admission.enqueue_waiting()
        return gate

    def restore_limits(self) -> Gate:
        """Back to the deployed limits."""
        gate = change_gate(self.gates, lambda gate: replace(gate, limits=None))
        self.admission.enqueue_waiting()
        return gate

    def retry(
        self,
        job: Job,
        *,
        transport: Transport | None = None,
        bypass_cache: bool = False,
    ) -> Job:
        """A failed, rejected or reviewed photo once more: a new attempt, which costs again.

        Unless the same picture was bought meanwhile, or a call that was taken before still brings
        its result, which is asked for first; `is_fresh` buys it all the same.

        Raises:
            IllegalMoveError: the job is not in a state that a person may retry.
            JobMovedError: somebody moved it meanwhile.
        """
        place = {"due_at": self.clock.now() + self.lease}
        saved = self.jobs.save(self._again(job, transport, place, bypass_cache=bypass_cache))
        if saved.state is State.QUEUED:
            self.submissions.enqueue([saved.id])
        return saved

    def retry_behind_others(
        self,
        job: Job,
        *,
        transport: Transport | None = None,
        bypass_cache: bool = False,
    ) -> Job:
        """One of many once more: it stands behind the gate at once, after every live photo.

        No message is sent, so that uploads need not wait in the queue behind thousands of them; a
        freed slot or Sweep wakes it, and whoever is through says `enqueue_waiting`.

        Raises:
            IllegalMoveError: the job is not in a state that a person may retry.
            JobMovedError: somebody moved it meanwhile.
        """
        place = {"is_waiting": True, "lane": Lane.BACKFILL}
        return self.jobs.save(self._again(job, transport, place, bypass_cache=bypass_cache))

    def _again(
        self, job: Job, transport: Transport | None, place: dict[str, Any], *, bypass_cache: bool
    ) -> Job:
        """The job in its place in line; or asking first for what was paid for, due at once."""
        now = self.clock.now()
        again = reopened(job).move(
            Move.RETRY,
            now=now,
            reason=Reason.RETRIED_BY_PERSON,
            bypass_cache=bypass_cache or job.bypass_cache,
            transport=transport or job.transport,
            **place,
            **_FORGOTTEN,
        )
        attempt = None if bypass_cache else next_to_recheck(again)
        return again if attempt is None else rechecking(again, attempt, now)

    def enqueue_waiting(self) -> None:
        """Have those that wait let in, as far as the gate has room."""
        self.admission.enqueue_waiting()
