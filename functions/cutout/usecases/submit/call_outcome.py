"""Recording the outcome of a paid call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import StoreBusyError
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.metrics import Metric
from cutout.domain.polling_and_timing import (
    LONGEST_BACK_OFF,
    UNKNOWN_TASK_WAIT,
    Randomness,
    Timing,
    back_off,
)
from cutout.domain.provider_outcomes import (
    Accepted,
    CreateOutcome,
    NotSent,
    OutcomeUnknown,
    Refused,
)
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import Decision, Remedy, decide_refusal
from cutout.domain.states import UNDECIDED, AttemptOutcome, Move, State
from cutout.ports.jobs_table import Gates, JobMovedError, TaskTakenError
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.change_gate import change_gate
from cutout.usecases.shared.job_writer import JobWriter

_RACES = 12
"""Other workers' writes of the job during one call, before the outcome is sent as a message."""


@dataclass(frozen=True, kw_only=True)
class CallOutcomes:
    """Turns each outcome of a call into the job's next move."""

    job_writer: JobWriter
    gates: Gates
    clock: Clock
    telemetry: Telemetry
    timing: Timing
    randomness: Randomness

    def record(self, job: Job, number: int, outcome: CreateOutcome) -> Job:
        """Record the outcome of the call of attempt `number`.

        Other workers may have moved the job while the call ran. If the job still waits for this
        outcome, it is recorded on the job's current version. If a callback decided the attempt, or
        the job has another attempt by now, the job stays as it is.

        Raises:
            StoreBusyError: other workers moved the job again and again.
        """
        # Nothing else may name a task that was paid for: a lost race is run again until it wins.
        for _ in range(_RACES):
            attempt = job.attempt_numbered(number)
            if attempt is None:
                return job
            is_awaited = job.state in UNDECIDED and attempt == job.attempt and attempt.is_open
            record = self._record if is_awaited else self._record_late
            try:
                saved = record(job, attempt, outcome)
            except JobMovedError as lost:
                if lost.winner is None:
                    raise
                job = lost.winner
            else:
                self._compare(attempt, outcome)
                return saved
        raise StoreBusyError("other workers moved the job each time that its call was recorded")

    def _record(self, job: Job, attempt: Attempt, outcome: CreateOutcome) -> Job:
        """Record the outcome; if it names the task of another call, the outcome is unknown."""
        try:
            saved = self._next(job, attempt, outcome)
        except TaskTakenError:
            # Two calls were answered with one task, which belongs to the first.
            self._count_taken(job)
            outcome = OutcomeUnknown(message="the answer names a task that belongs to another call")
            saved = self._next(job, attempt, outcome)
        recorded = saved.attempt_numbered(attempt.number)
        if recorded is not None and recorded.is_possible_double_charge:
            self.telemetry.metric(Metric.POSSIBLE_DOUBLE_CHARGE)
        if isinstance(outcome, Accepted):
            self._learn(attempt, outcome.credits_reserved)
        return saved

    def _learn(self, attempt: Attempt, reserved: Decimal | None) -> None:
        """Change the gate's price, and end its pause, if the accepted call shows another one."""
        price = reserved or Decimal(0)
        if attempt.is_probe or (price > 0 and price != attempt.credits_reserved):
            change_gate(self.gates, lambda gate: gate.priced(price).cleared_by(attempt.started_at))

    def _record_late(self, job: Job, attempt: Attempt, outcome: CreateOutcome) -> Job:
        """Keep the id of a task whose outcome the job no longer waits for.

        The task was paid for: a retry checks it for a result before it pays again. A repeat that
        may be charged is counted.
        """
        saved = job
        if isinstance(outcome, Accepted) and attempt.may_have(outcome.task_id):
            is_second = attempt.task_id is not None
            known = attempt.naming(outcome.task_id) if is_second else attempt.accepted(outcome)
            try:
                saved = self.job_writer.record(job, job.with_attempt(known))
            except TaskTakenError:
                self._count_taken(job)
        is_replay = isinstance(outcome, Accepted) and outcome.is_replay
        may_be_charged = isinstance(outcome, Accepted | OutcomeUnknown) and not is_replay
        if attempt.is_possible_double_charge and may_be_charged:
            self.telemetry.metric(Metric.POSSIBLE_DOUBLE_CHARGE)
        return saved

    def _count_taken(self, job: Job) -> None:
        self.telemetry.log("the task belongs to another call", job_id=job.id)
        self.telemetry.metric(Metric.TASK_TAKEN)

    def _compare(self, attempt: Attempt, outcome: CreateOutcome) -> None:
        """Count a callback whose body named another task than the call's own answer."""
        if not isinstance(outcome, Accepted) or attempt.posts > 1:
            # A repeat may have made a second task, while the callback was that of the first.
            return
        # A callback's body is not signed: its sender may name any task. So the task that the call's
        # answer names counts.
        named = attempt.named_task or (attempt.task_id if attempt.is_adopted else None)
        if named not in {None, outcome.task_id}:
            self.telemetry.log("a callback named another task than the call's answer")
            self.telemetry.metric(Metric.TASK_TAKEN)

    def _next(self, job: Job, attempt: Attempt, outcome: CreateOutcome) -> Job:
        """Write the job after its call's outcome, and pause the gate before if that requires it."""
        if attempt.is_taken and not isinstance(outcome, Accepted):
            # Only the call contains the URL that the callback came to: the provider took the call.
            return self._unknown(job, attempt, outcome.message)
        match outcome:
            case Accepted():
                return self._accepted(job, attempt, outcome)
            case Refused():
                return self._refused(job, attempt, outcome)
            case NotSent():
                return self._not_sent(job, attempt, outcome)
            case OutcomeUnknown():
                return self._unknown(job, attempt, outcome.message)

    def _accepted(self, job: Job, attempt: Attempt, accepted: Accepted) -> Job:
        now, taken = self.clock.now(), job.with_attempt(attempt.accepted(accepted))
        processing = taken.move(Move.ACCEPT, now=now, due_at=now + self.timing.first_poll)
        return self.job_writer.record(job, processing)

    def _refused(self, job: Job, attempt: Attempt, refused: Refused) -> Job:
        decision = decide_refusal(refused, attempt.transport)
        if attempt.posts > 1:
            return self._repeat_refused(job, attempt, refused, decision)
        if decision.remedy is Remedy.WAIT:
            return self._unknown(job, attempt, refused.message)
        ended = job.with_attempt(
            replace(
                attempt.ended(AttemptOutcome.REFUSED), code=refused.code, message=refused.message
            )
        )
        if decision.remedy is Remedy.FAIL:
            return self.fail(job, ended, decision.reason, refused)
        # Before the job is written: its slot must not go to the next one that is refused.
        self.pause(decision, refused)
        is_paused = decision.remedy is Remedy.PAUSE
        return self.job_writer.move(
            job,
            Move.BACK_OFF,
            Reason.GATE_PAUSED if is_paused else Reason.TASK_RETRIED,
            wait=None if is_paused else decision.delay or timedelta(0),
            known=replace(ended, transport=decision.transport or job.transport),
            code=refused.code,
            message=refused.message,
        )

    def _repeat_refused(
        self, job: Job, attempt: Attempt, refused: Refused, decision: Decision
    ) -> Job:
        """Handle a refused repeat: the provider may have taken the first call all the same.

        The attempt stays open for its callback, its credits count, and no new call is made. What
        was refused for now is repeated. Another transport would make another body, and so a call
        that may be paid for beside the first.
        """
        if decision.remedy is not Remedy.FAIL and decision.transport is None:
            self.pause(decision, refused)
            return self._repeat_soon(job, attempt, refused.message)
        unknown = replace(
            attempt,
            posts=attempt.posts - 1,
            outcome=AttemptOutcome.UNKNOWN,
            code=refused.code,
            message=refused.message,
        )
        return self.fail(job, job.with_attempt(unknown), Reason.OUTCOME_UNKNOWN, refused)

    def fail(self, job: Job, known: Job, reason: Reason, outcome: Refused | NotSent) -> Job:
        """End a job that the provider did not take, with what is known of its attempts."""
        code = outcome.code if isinstance(outcome, Refused) else None
        return self.job_writer.settle(
            job, Move.FAIL, reason, known=known, code=code, message=outcome.message
        )

    def pause(self, decision: Decision, refused: Refused) -> None:
        """Pause the gate if the retry policy decided so."""
        reason = decision.pause
        if reason is None:
            return
        self.telemetry.log("gate paused", pause=reason, code=refused.code)
        self.telemetry.metric(Metric.GATE_PAUSED)
        # With jitter, as others may wait for the same account.
        now, delay = self.clock.now(), decision.delay
        until = None if delay is None else now + delay * (1 + 0.2 * self.randomness())
        change_gate(self.gates, lambda gate: gate.pausing(reason, now, until))

    def _not_sent(self, job: Job, attempt: Attempt, not_sent: NotSent) -> Job:
        if attempt.posts > 1:
            # The provider may have taken the first call of the same body.
            return self._repeat_soon(job, attempt, not_sent.message)
        now = self.clock.now()
        ended = job.with_attempt(
            replace(attempt.ended(AttemptOutcome.NOT_SENT), message=not_sent.message)
        )
        if now - (ended.trying_since or now) >= self.timing.job_deadline:
            return self.fail(job, ended, Reason.PROVIDER_UNREACHABLE, not_sent)
        tries = sum(a.outcome is AttemptOutcome.NOT_SENT for a in ended.attempts)
        wait, message = back_off(tries, LONGEST_BACK_OFF, self.randomness), not_sent.message
        return self.job_writer.move(
            job, Move.BACK_OFF, Reason.BACKING_OFF, wait=wait, known=ended, message=message
        )

    def _repeat_soon(self, job: Job, attempt: Attempt, message: str) -> Job:
        """Make the repeat again soon, while its link to the photo is valid: it does not count."""
        soon = self.timing.poll_interval
        if job.state is State.UNCONFIRMED:
            due_at = self.clock.now() + soon
            sooner = replace(job, due_at=min(due_at, job.due_at or due_at))
            return self.job_writer.record(job, sooner)
        uncounted = replace(attempt, posts=attempt.posts - 1)
        return self._unknown(job, uncounted, message, longest=soon)

    def _unknown(
        self, job: Job, attempt: Attempt, message: str, *, longest: timedelta = timedelta.max
    ) -> Job:
        """Wait for the callback until the grace time ends: the outcome is unknown.

        If a callback has named a task that could not be read yet, it is read again soon.
        """
        if job.state is State.UNCONFIRMED:
            # The lease has run out meanwhile: its worker only took long, and knows no more.
            return job
        self.telemetry.metric(Metric.OUTCOME_UNKNOWN)
        wait = UNKNOWN_TASK_WAIT if attempt.named_task else self.timing.unconfirmed_grace
        unknown = replace(attempt, outcome=AttemptOutcome.UNKNOWN, message=message)
        return self.job_writer.move(
            job,
            Move.OUTCOME_UNKNOWN,
            Reason.OUTCOME_UNKNOWN,
            wait=min(wait, longest),
            known=job.with_attempt(unknown),
            message=message,
        )
