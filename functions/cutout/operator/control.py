"""Operators' actions on a running deployment: pause, resume, change limits, retry jobs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cutout.domain.dataclass import dataclass
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.job.recheck import next_to_recheck, rechecking, reopened
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, Move, State, Transport
from cutout.ports.jobs_table import Backlog, Gates, Jobs
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.change_gate import change_gate


@dataclass(frozen=True, kw_only=True)
class Control:
    """Changes the gate and retries jobs."""

    jobs: Jobs
    gates: Gates
    backlog: Backlog
    submissions: SubmissionQueue
    clock: Clock
    limits: Limits
    lease: timedelta

    def pause(self) -> Gate:
        """Pause the gate until a person resumes it; tasks in flight continue."""
        now = self.clock.now()
        return change_gate(self.gates, lambda gate: gate.pausing(PauseReason.OPERATOR, now, None))

    def resume(self) -> Gate:
        """End any pause of the gate, and enqueue waiting jobs."""
        return self._widened(Gate.resuming)

    def set_limits(
        self,
        *,
        max_in_flight: int | None = None,
        daily_credit_cap: Decimal | None = None,
    ) -> Gate:
        """Override the deployed limits; None leaves a limit as it is."""
        given = {"max_in_flight": max_in_flight, "daily_credit_cap": daily_credit_cap}
        named: dict[str, Any] = {name: it for name, it in given.items() if it is not None}
        # Limits are overridden together: one that is not named keeps its present value.
        return self._widened(
            lambda gate: gate.limited(replace(gate.limits or self.limits, **named))
        )

    def restore_limits(self) -> Gate:
        """Use the deployed limits again."""
        return self._widened(lambda gate: gate.limited(None))

    def _widened(self, rule: Callable[[Gate], Gate]) -> Gate:
        """Change the gate, and enqueue jobs that it may admit now."""
        gate = change_gate(self.gates, rule)
        self.enqueue_waiting()
        return gate

    def retry(
        self,
        job: Job,
        *,
        transport: Transport | None = None,
        bypass_cache: bool = False,
        is_one_of_many: bool = False,
    ) -> Job:
        """Retry a failed, rejected or reviewed job.

        The retry is free where a cached result of the same photo exists, or where an earlier
        attempt still has a result; both are checked first. Otherwise, and with `bypass_cache`, it
        makes a new paid call. But a task that only a callback named is always read before. Without
        a transport, the job keeps its own.

        One of many waits at the gate at low priority, behind live uploads. No message is sent, so
        that thousands of retries do not delay uploads in the queue: a freed slot or Sweep enqueues
        the job; call `enqueue_waiting` after the last one.

        IllegalMoveError: the state allows no retry. JobMovedError: the job was changed meanwhile.
        """
        now = self.clock.now()
        fresh = replace(
            reopened(job),
            lane=Lane.BACKFILL if is_one_of_many else job.lane,
            bypass_cache=bypass_cache or job.bypass_cache,
            transport=transport or job.transport,
            result=None,
            decision=None,
            reused=None,
            handovers_failed=0,
            preparations=0,
            trying_since=None,
            upright=None,
        )
        # Without a due time, the job is found by its place among the waiting ones only.
        due_at = None if is_one_of_many else now + self.lease
        again = fresh.move(Move.RETRY, now=now, reason=Reason.RETRIED_BY_PERSON, due_at=due_at)
        attempt = next_to_recheck(again, is_fresh=bypass_cache)
        saved = self.jobs.save(again if attempt is None else rechecking(again, attempt, now))
        if saved.state is State.QUEUED and not is_one_of_many:
            self.submissions.enqueue([saved.id])
        return saved

    def enqueue_waiting(self) -> None:
        """Enqueue the oldest waiting jobs, as many as the gate has free slots."""
        gate = self.gates.read_gate(self.limits)
        if gate.why_closed(self.clock.now()) is None:
            self.submissions.enqueue(self.backlog.waiting(gate.free_slots))
