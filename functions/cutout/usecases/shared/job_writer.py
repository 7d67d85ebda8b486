"""Writing a job's moves, with what they change at the gate, and announcing its end."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from cutout.domain.dataclass import dataclass
from cutout.domain.gate.gate import holder
from cutout.domain.gate.pauses_and_slots import FreeSlot, ShardChange
from cutout.domain.job.attempt import Attempt, charged, charges
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord
from cutout.domain.metrics import JOBS_SETTLED, TIME_IN_STATE, Metric
from cutout.domain.reasons import Reason
from cutout.domain.states import HOLDING, Move, State
from cutout.ports.jobs_table import Backlog, JobMovedError, Jobs, TaskClaim
from cutout.ports.provider_api import Files
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Announcements, Clock, Telemetry
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.shared.notes_and_tags import SettlementEffects

_MOST_EFFECT_TRIES = 5
"""After so many failed tries the event is sent without the job's note and tags."""
_FAILED_PERCENT = {State.COMPLETED: 0, State.REVIEW: 100, State.FAILED: 100}


@dataclass(frozen=True, kw_only=True)
class JobWriter:
    """Writes all changes that Submit and StoreResult make to a job, and what belongs to them.

    An operator's retry is written elsewhere: it affects neither the gate nor credits.

    Attributes:
        retention: how long a job is kept after its end.
        task_claims_last: how long callbacks may still name an attempt's task.
        deduplication: None in a deployment that pays for each upload.
    """

    jobs: Jobs
    backlog: Backlog
    submissions: SubmissionQueue
    announcements: Announcements
    settlement_effects: SettlementEffects
    files: Files
    telemetry: Telemetry
    clock: Clock
    retention: timedelta
    task_claims_last: timedelta
    deduplication: Deduplication | None

    def record(
        self,
        before: Job,
        after: Job,
        *,
        decided_by: Attempt | None = None,
        slot: FreeSlot | None = None,
        picture: DedupRecord | None = None,
        others_wait: bool = True,
    ) -> Job:
        """Write a move; if it frees a slot, the next waiting job is enqueued.

        The task of `decided_by` decides the move. A move that admits the job takes a free `slot`,
        and makes the job the owner of its photo's record, `picture`. `others_wait` is False if it
        was just read that no job waits for a slot.

        Raises:
            DedupRecordMovedError: another worker wrote the record first.
            GateMovedError: the slot is no longer free.
            JobMovedError: another worker moved the job since `before` was read.
            ResultKeyTakenError: the result key belongs to another photo.
            TaskTakenError: the task belongs to another attempt.
        """
        saved = self.jobs.save(
            after,
            gate=gate_changes(before, after),
            slot=slot,
            picture=picture,
            tasks=self._claims(before, after, decided_by),
            result_key=None if after.result_key == before.result_key else after.result_key,
        )
        if slot is not None:
            self.telemetry.metric(Metric.ADMITTED)
        else:
            self.telemetry.log(
                "job moved",
                job_id=after.id,
                state=after.state,
                came_from=before.state,
                reason=after.reason,
            )
        _count_time_in_state(self.telemetry, before, after)
        self._discard_copies(before, after)
        if others_wait and before.state in HOLDING and after.state not in HOLDING:
            self.enqueue_next()
        if after.state.is_settled and not before.state.is_settled:
            if self.deduplication is not None:
                self.deduplication.job_settled(saved)
            return self.announce(saved)
        return saved

    def move(
        self,
        job: Job,
        move: Move,
        reason: Reason | None,
        *,
        wait: timedelta | None,
        known: Job | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> Job:
        """Write a move after which the job is due in a while; raises as `record` does.

        It is due at once if `wait` is negative; without a wait, it waits at the gate. `known` is
        the job with what became known with the move, if anything did.
        """
        now = self.clock.now()
        due_at = None if wait is None else now + max(wait, timedelta(0))
        after = (known or job).move(
            move, now=now, reason=reason, due_at=due_at, code=code, message=message
        )
        return self.record(job, after)

    def settle(
        self,
        job: Job,
        move: Move,
        reason: Reason | None,
        *,
        known: Job | None = None,
        decided_by: Attempt | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> Job:
        """End a job, with what became `known` of its attempts; raises as `record` does."""
        now = self.clock.now()
        end = (known or job).settle(
            move, now=now, retention=self.retention, reason=reason, code=code, message=message
        )
        return self.record(job, end, decided_by=decided_by)

    def enqueue_next(self) -> None:
        """Enqueue the oldest waiting job for a slot that has become free."""
        self.submissions.enqueue(self.backlog.waiting(1))

    def announce(self, job: Job) -> Job:
        """Apply a settled job's effects, send its completion event, then mark it as announced.

        After a crash in between, Sweep repeats this: events are sent at least once.
        """
        if job.failures < _MOST_EFFECT_TRIES:
            self.settlement_effects.apply(job)
        else:
            self.telemetry.log("notes and tags left out: they failed each time", job_id=job.id)
        if not job.is_announced:
            self.announcements.announce(job)
            try:
                job = self.jobs.save(job.announced())
            except JobMovedError as lost:
                self.reapply_effects(lost.winner)
                raise
        # After the write, so that a job whose event is sent twice is counted once.
        _count_end(self.telemetry, job)
        return job

    def reapply_effects(self, job: Job | None) -> None:
        """Re-apply a settled job's effects on the buckets; idempotent.

        A slower worker may have overwritten them. If it crashed, its message is delivered again.
        """
        if job is not None:
            self.settlement_effects.apply(job)

    def _claims(self, before: Job, after: Job, decided_by: Attempt | None) -> list[TaskClaim]:
        """Claims on the tasks that become known with the move."""
        known = {attempt.number: attempt.task_id for attempt in before.attempts}
        claiming = {
            attempt.number: attempt
            for attempt in after.attempts
            if attempt.task_id not in {None, known.get(attempt.number)}
        }
        if decided_by is not None and decided_by.is_adopted:
            # A callback's body named the task. Another call's answer may have claimed it meanwhile.
            claiming[decided_by.number] = decided_by
        return [
            TaskClaim(
                task_id=attempt.task_id or "",
                job_id=after.id,
                attempt=attempt.number,
                is_certain=not attempt.is_adopted,
                expires_at=self.clock.now() + self.task_claims_last,
            )
            for attempt in claiming.values()
        ]

    def _discard_copies(self, before: Job, after: Job) -> None:
        """Delete the provider's copies of photos whose attempts end with this move."""
        for attempt in after.attempts:
            known = before.attempt_numbered(attempt.number)
            was_open = known is not None and known.is_open
            if attempt.file_id and was_open and (not attempt.is_open or after.state.is_settled):
                self.files.delete(attempt.file_id)


def _count_time_in_state(telemetry: Telemetry, before: Job, after: Job) -> None:
    """Write how many seconds the job was in the state that it left."""
    metric = TIME_IN_STATE.get(before.state)
    if metric is not None and after.state is not before.state:
        seconds = (after.updated_at - before.entered_at).total_seconds()
        telemetry.metric(metric, max(0.0, seconds))


def _count_end(telemetry: Telemetry, job: Job) -> None:
    """Count a job that has ended: its credits, and how long it took to be completed."""
    telemetry.metric(JOBS_SETTLED[job.state])
    if job.decision is not None:
        # The job was counted when its review began; it was not the provider that took so long.
        return
    telemetry.metric(Metric.CREDITS, float(_newly_charged(job)))
    if job.state in _FAILED_PERCENT:
        telemetry.metric(Metric.FAILED_PERCENT, _FAILED_PERCENT[job.state])
    if job.state is State.COMPLETED:
        seconds = (job.updated_at - job.created_at).total_seconds()
        telemetry.metric(Metric.SECONDS_TO_COMPLETE, seconds)
    if job.state is State.COMPLETED and job.reused is not None:
        telemetry.metric(Metric.REUSED)
        telemetry.metric(Metric.CREDITS_SAVED, float(job.reused.credits_saved))


def _newly_charged(job: Job) -> Decimal:
    """The cost of the attempts that were not counted when the job ended before, if it did."""
    ends = [step.at for step in job.history[:-1] if step.state.is_settled]
    new = (one for one in job.attempts if not ends or one.started_at > ends[-1])
    return sum(map(charged, new), Decimal(0))


def gate_changes(before: Job, after: Job) -> list[ShardChange]:
    """What a move of a job changes at the gate, at most one change for each shard.

    Its slot and the credits of its attempts follow from the job before and after the move, and are
    written with it in one transaction. So nothing is charged, refunded or freed twice, however
    often a task is read.
    """
    freed, taken = _slot(before, after), _slot(after, before)
    charged = _charged(before, after)
    return [
        ShardChange(
            shard=shard,
            takes=taken.get(shard),
            frees=freed.get(shard),
            charges={day: some for (number, day), some in charged.items() if number == shard},
        )
        for shard in sorted({*freed, *taken, *(number for number, _day in charged)}, key=str)
    ]


def _slot(job: Job, other: Job) -> dict[int | None, str]:
    """The shard and the holder of the job's slot, unless its other version has the same one."""
    attempt, others = _in_flight(job), _in_flight(other)
    # The same attempt holds one slot from its admission to its task's end.
    if attempt is None or (others is not None and others.number == attempt.number):
        return {}
    return {attempt.shard: holder(job.id, attempt.number, attempt.started_at)}


def _in_flight(job: Job) -> Attempt | None:
    return job.attempt if job.state in HOLDING else None


def _charged(before: Job, after: Job) -> dict[tuple[int, date], Decimal]:
    """The difference in credits between two versions of a job's attempts, by shard and day.

    Dropped attempts have cost nothing.
    """
    kept = [one for one in before.attempts if after.attempt_numbered(one.number)]
    changed: defaultdict[tuple[int, date], Decimal] = defaultdict(Decimal)
    for sign, attempts in ((1, after.attempts), (-1, kept)):
        for attempt in attempts:
            for day, credits_ in charges(attempt):
                # An earlier version named no shard: corrections of its charges go to the first.
                changed[attempt.shard or 0, day] += sign * credits_
    return {place: some for place, some in changed.items() if some}
