"""Admitting a job at the gate: hand over the photo, record the attempt, take the slot.

One transaction writes the job with its new attempt, the slot, the photo's deduplication record, and
the claim of the result's key. If it fails, another worker wrote one of them first. The job then
decides again on what it finds; no call was made yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import StoreBusyError
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import FreeSlot
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept, Reuse
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.polling_and_timing import LONGEST_BACK_OFF, Randomness, Timing, back_off
from cutout.domain.provider_outcomes import NotSent, Refused
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import Remedy, decide_refusal
from cutout.domain.states import Move, Transport
from cutout.ports.jobs_table import (
    Backlog,
    DedupRecordMovedError,
    GateMovedError,
    Gates,
    ResultKeyTakenError,
)
from cutout.ports.queues import TaskCheckQueue
from cutout.ports.telemetry import Clock
from cutout.usecases.shared.change_gate import GATE_TRIES
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.submit.call_outcome import CallOutcomes
from cutout.usecases.submit.paid_call import NextCall, PaidCalls

_LONGEST_WAIT = timedelta(hours=1)
_MOST_HANDOVERS = 40
"""With back-offs of up to ten minutes, about six hours."""
_GATE_HOLDS = timedelta(seconds=5)
"""How long the gate that was read may be used, on the same day.

Handing over a photo can take half a minute.
"""
_NO_RECORD = DedupRecord(picture="", owner="")
"""Where each upload is paid for, no record is written."""


@dataclass(frozen=True, kw_only=True)
class AdmitJob:
    """Lets a checked job pass the gate, reuse a cached result, or wait.

    Attributes:
        deduplication: None in a deployment that pays for each upload.
        result_keys: where the result of a source key may be stored, the best place first.
    """

    job_writer: JobWriter
    backlog: Backlog
    gates: Gates
    deduplication: Deduplication | None
    paid_calls: PaidCalls
    call_outcomes: CallOutcomes
    callbacks: TaskCheckQueue
    result_keys: Callable[[str], Iterator[str]]
    clock: Clock
    randomness: Randomness
    limits: Limits
    timing: Timing

    def admit(self, job: Job) -> tuple[Job, str | None]:
        """Admit the job if it may; returns it as stored, and the body of the call to make.

        Raises:
            NeedsPreparingError: a new copy of the photo must be made first.
            SourceGoneError: the photo is no longer there.
            StoreBusyError: other workers took the slot or wrote the record each time.
        """
        # Once, however often the gate is read.
        begin = cache(lambda: self.paid_calls.begin(job))
        # A job that comes for the first time writes a new record without a read: if there is one,
        # the transaction fails and returns it. An upload to the provider's store costs more.
        is_read = job.version > 0 or self.paid_calls.transport is Transport.FILES
        picture = self._find_record(job) if is_read else None
        for _ in range(GATE_TRIES):
            try:
                turn = self._turn(job, picture)
                if turn is None:
                    return self._held_for_picture(job), None
                if isinstance(turn, Kept):
                    return self._reuse(job, turn), None
                gate, slot = self._slot(job)
                if isinstance(slot, FreeSlot):
                    return self._submitting(job, gate, slot, turn, begin)
                # A cached result needs no slot, so it is looked up before the job waits for one.
                if is_read or (picture := self._find_record(job)) is None:
                    return self._held_at_gate(job, gate, slot), None
                is_read = True
            except DedupRecordMovedError as lost:
                picture, is_read = lost.winner, True
            except GateMovedError:
                continue
        raise StoreBusyError("other workers wrote the gate or the photo's record each time")

    def _find_record(self, job: Job) -> DedupRecord | None:
        return None if self.deduplication is None else self.deduplication.find(job)

    def _turn(self, job: Job, picture: DedupRecord | None) -> DedupRecord | Kept | None:
        """The record to write, the cached result to use, or None if the job is listed to wait.

        Raises:
            DedupRecordMovedError: the record has changed since it was read.
        """
        if self.deduplication is None:
            return _NO_RECORD
        turn = self.deduplication.decide(job, picture)
        if turn is None and picture is not None:
            self.deduplication.wait(job, picture)
        return turn

    def _slot(self, job: Job) -> tuple[Gate, FreeSlot | Reason]:
        """The gate, and a free slot for this job or why it must wait."""
        read = self.gates.read_gate(self.limits)
        gate, slot = read.admission(self.clock.now(), self.randomness)
        if gate != read:
            gate = self.gates.write_gate(gate)
        # Sweep may clear the note just before a job waits: then others overtake it for a minute.
        may_be_behind = isinstance(slot, FreeSlot) and gate.has_waiting and not job.is_waiting
        if may_be_behind and self.backlog.waiting(1, job.lane):
            return gate, Reason.BEHIND_OTHERS
        return gate, slot

    def _submitting(
        self,
        job: Job,
        gate: Gate,
        slot: FreeSlot,
        picture: DedupRecord,
        begin: Callable[[], NextCall | Refused | NotSent],
    ) -> tuple[Job, str | None]:
        """Hand over the photo, record the attempt, and take the slot."""
        read_at = self.clock.now()
        call = begin()
        if not isinstance(call, NextCall):
            return self.handover_failed(job, call), None
        now = self.clock.now()
        if now - read_at > _GATE_HOLDS or now.date() != slot.day:
            raise GateMovedError("the gate may have been paused while the photo was handed over")
        if gate.pause is not None:
            # The pause has ended: this call alone shows whether the provider takes calls again.
            self.gates.write_gate(gate.probing(now + self.timing.lease))
        attempt = replace(
            call.attempt,
            started_at=now,
            credits_reserved=gate.price,
            shard=slot.shard,
            is_probe=gate.pause is not None,
        )
        admitted = job.admitted(attempt, due_at=now + self.timing.lease)
        claimed = None if picture is _NO_RECORD else picture
        return self._with_result_key(job, admitted, slot=slot, picture=claimed), call.text

    def _with_result_key(
        self,
        job: Job,
        after: Job,
        *,
        slot: FreeSlot | None = None,
        picture: DedupRecord | None = None,
    ) -> Job:
        """Write a move, after which the job owns the key of its result; raises as `record` does."""
        keys = self.result_keys(job.source.key)
        while True:
            # Two photos may have one candidate: `a.jpg` and `a.png`. The first keeps it for ever.
            named = replace(after, result_key=job.result_key or next(keys))
            with suppress(ResultKeyTakenError):
                return self.job_writer.record(job, named, slot=slot, picture=picture)

    def _held_at_gate(self, job: Job, gate: Gate, reason: Reason) -> Job:
        """Note at the gate that jobs wait, so that no later one overtakes them; then wait."""
        if not gate.has_waiting:
            self.gates.write_gate(replace(gate, has_waiting=True))
        return self.hold(job, reason)

    def hold(self, job: Job, reason: Reason) -> Job:
        """Let the job wait at the gate, without a due time: a freed slot or Sweep enqueues it."""
        if job.is_waiting and job.reason is reason:
            return job
        behind = job.move(Move.HOLD, now=self.clock.now(), reason=reason)
        if job.is_waiting:
            # Only the reason changes. The place among the waiting jobs may depend on this time.
            behind = replace(behind, updated_at=job.updated_at)
        return self.job_writer.record(job, behind)

    def handover_failed(self, job: Job, outcome: Refused | NotSent) -> Job:
        """The photo could not be handed over; no call was made, and nothing is paid."""
        if isinstance(outcome, Refused):
            decision = decide_refusal(outcome)
            if decision.remedy is not Remedy.PAUSE:
                # Without a call there is no callback to wait for.
                return self.call_outcomes.fail(job, job, decision.reason, outcome)
            self.call_outcomes.pause(decision, outcome)
            return self.hold(job, Reason.GATE_PAUSED)
        if job.handovers_failed >= _MOST_HANDOVERS:
            return self.call_outcomes.fail(job, job, Reason.PROVIDER_UNREACHABLE, outcome)
        wait = back_off(job.handovers_failed, LONGEST_BACK_OFF, self.randomness)
        again, message = replace(job, handovers_failed=job.handovers_failed + 1), outcome.message
        return self.job_writer.move(
            job, Move.HOLD, Reason.BACKING_OFF, wait=wait, known=again, message=message
        )

    def _reuse(self, job: Job, kept: Kept) -> Job:
        """Complete the job from a cached result: no slot, no credits, straight to StoreResult."""
        reused = Reuse(
            job_id=kept.job_id,
            key=kept.key,
            sha256=kept.sha256,
            task_id=kept.task_id,
            credits_saved=kept.credits,
            is_of_copy=kept.is_of_copy,
            is_accepted=kept.is_accepted,
        )
        now = self.clock.now()
        # Due at once: if the message below is lost, Sweep sends it again.
        fetching = job.move(Move.FETCH, now=now, due_at=now)
        after = replace(fetching, reused=reused, storing_attempt=None)
        saved = self._with_result_key(job, after)
        self.callbacks.enqueue([TaskCheck(job_id=job.id, attempt=0)])
        return saved

    def _held_for_picture(self, job: Job) -> Job:
        """Wait for the owner of the same photo, which enqueues this job when it is done."""
        # If the owner's message is lost, the job checks again by itself, less and less often.
        age = self.clock.now() - job.created_at
        wait = min(_LONGEST_WAIT, max(self.timing.poll_interval, age))
        return self.job_writer.move(job, Move.HOLD, Reason.SAME_PICTURE, wait=wait)
