"""The job: the processing of one version of one photo."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import IllegalMoveError
from cutout.domain.job.attempt import Attempt, charged
from cutout.domain.job.result import Result, Reuse, ReviewDecision, Variant
from cutout.domain.job.source import LatestVersion, Photo, Prepared, Source, Upright
from cutout.domain.reasons import DECISIONS, Reason
from cutout.domain.serialization import STORED_AS
from cutout.domain.states import TRANSITIONS, AttemptOutcome, Lane, Move, State, Transport


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """One entry of a job's history."""

    state: State
    at: datetime
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The processing of one version of one photo.

    Attributes:
        entered_at: when the job came to its state from another.
        version: the number of writes; each write requires the version that was read.
        result_key: claimed when the job is admitted, or reuses a cached result.
        due_at: when Sweep enqueues the job, unless it moves before.
        look_at: when Sweep looks at it: `due_at` or earlier, so that the index of due jobs need not
            be written with each move.
        tries: how often in a row the current state was entered; back-offs grow with it.
        trying_since: start of the current series of unsent calls.
        storing_attempt: the attempt whose result is being stored, or was.
        transport: how the provider gets the photo next; None means the deployment's setting.
        handovers_failed: how often in a row the provider's file store did not take the photo.
        is_first: no earlier upload of its key was known when it began.
        bypass_cache: cached results are ignored; the job makes a paid call.
        reused: the cached result that completes the job, or did.
        is_waiting: the job waits at the gate; `due_at` is None then.
        is_announced: the completion event was sent, or none is needed.
        recipes: the names of recipes that the upload's metadata chose for its variants; None means
            all that apply to the photo.
        read_sha256: the upload's hash, if Submit has read it but Prepare must inspect it.
        prepared: the copy that is sent instead of the photo, if it needs one.
        preparations: how often copies were requested since the last call.
        upright: the copy in full size, if the photo's own pixels are used.
        failures: how often a step of the current state failed. A step of `storing` counts from its
            start until it succeeds.
        cut_short: how many steps of `storing`, or checks of the photo in `queued`, neither
            succeeded nor raised: their worker was killed, perhaps by what it read.
        decision: a person's decision on the result under review.
    """

    id: str
    source: Source
    state: State
    created_at: datetime
    updated_at: datetime
    entered_at: datetime
    version: int = 0
    result_key: str | None = None
    due_at: datetime | None = None
    look_at: datetime | None = None
    tries: int = 0
    trying_since: datetime | None = None
    storing_attempt: int | None = None
    transport: Transport | None = None
    handovers_failed: int = 0
    lane: Lane = Lane.LIVE
    is_first: bool = False
    bypass_cache: bool = field(default=False, metadata={STORED_AS: "is_fresh"})
    reused: Reuse | None = None
    is_waiting: bool = False
    is_announced: bool = False
    reason: Reason | None = None
    code: str | None = None
    message: str | None = None
    photo: Photo | None = None
    read_sha256: str | None = None
    prepared: Prepared | None = None
    preparations: int = 0
    upright: Upright | None = None
    failures: int = 0
    cut_short: int = 0
    decision: ReviewDecision | None = None
    attempts: tuple[Attempt, ...] = ()
    result: Result | None = None
    recipes: tuple[str, ...] | None = None
    variants: tuple[Variant, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    expires_at: datetime | None = None

    @classmethod
    def begin(
        cls,
        source: Source,
        *,
        now: datetime,
        due_at: datetime,
        lane: Lane = Lane.LIVE,
        is_first: bool = False,
    ) -> Job:
        """A new job for an upload. Sweep enqueues it at `due_at` if its worker crashes."""
        return cls(
            id=source.job_id,
            source=source,
            state=State.QUEUED,
            created_at=now,
            updated_at=now,
            due_at=due_at,
            look_at=due_at,
            entered_at=now,
            lane=lane,
            is_first=is_first,
            history=(HistoryEntry(state=State.QUEUED, at=now),),
        )

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def tracked_attempt(self) -> Attempt | None:
        """The attempt whose task decides the job's next move."""
        storing = self.storing_attempt if self.state is State.STORING else None
        return self.attempt_numbered(storing) or self.attempt

    def tracks(self, attempt: Attempt) -> bool:
        """Whether this attempt's task decides the job's next move."""
        tracked = self.tracked_attempt
        return tracked is not None and tracked.number == attempt.number

    @property
    def has_unverified_task(self) -> bool:
        """Whether a callback named the task of the newest call, which the API must confirm."""
        attempt = self.attempt
        return attempt is not None and attempt.named_task is not None

    @property
    def credits(self) -> Decimal:
        """The job's cost: credits used if the provider reported them, else reserved."""
        return sum((charged(attempt) for attempt in self.attempts), Decimal(0))

    def attempt_numbered(self, number: int | None) -> Attempt | None:
        """The attempt with this number."""
        return next((a for a in self.attempts if a.number == number), None)

    @property
    def waiting_since(self) -> datetime:
        """The job's order at the gate; a failed step puts it behind jobs that came before then."""
        return self.updated_at if self.failures else self.created_at

    def why_superseded_by(self, newest: LatestVersion | None) -> Reason | None:
        """Why the newest event of its key supersedes the job; None if that is its own, or older."""
        if newest is None or newest.order <= self.source.order or newest.job_id == self.id:
            return None
        return Reason.SOURCE_DELETED if newest.job_id is None else Reason.NEWER_UPLOAD

    def is_backing_off(self, now: datetime) -> bool:
        """Whether the job must not be submitted before it is due."""
        return self.state is State.QUEUED and not self.is_due(now) and self.reason in _DELAYING

    @property
    def is_being_prepared(self) -> bool:
        """Whether the job waits for a copy of its photo."""
        return self.state is State.QUEUED and self.reason is Reason.PREPARING

    @property
    def is_being_decided(self) -> bool:
        """Whether StoreResult must carry out a person's decision on the result."""
        return self.state is State.STORING and self.reason in DECISIONS

    @property
    def was_reviewed(self) -> bool:
        """Whether the job's history, which drops old entries, has a review."""
        return any(step.state is State.REVIEW for step in self.history)

    @property
    def is_rechecking(self) -> bool:
        """Whether a retried job rechecks an attempt; see `recheck`."""
        return self.state is State.STORING and self.reason is Reason.RETRIED_BY_PERSON

    @property
    def waiting_for_copies_since(self) -> datetime:
        """When the job began to wait for copies."""
        return self.history[-1].at if self.history else self.created_at

    def is_due(self, now: datetime) -> bool:
        """Whether its lease or its wait is over."""
        return self.due_at is not None and self.due_at <= now

    def with_attempt(self, attempt: Attempt) -> Job:
        """The job with this attempt added, or in place of the one with the same number.

        Old attempts that cost nothing are dropped, so that a job stays small however long an
        account has no credits.
        """
        others = [one for one in self.attempts if one.number != attempt.number]
        ordered = sorted([*others, attempt], key=lambda one: one.number)
        old, recent = ordered[:-_FREE_ATTEMPTS_KEPT], ordered[-_FREE_ATTEMPTS_KEPT:]
        # An attempt whose outcome may still change may have been paid for.
        kept = (one for one in old if charged(one) or one.is_open)
        newest = recent[-1]
        is_unsent = newest.outcome in {AttemptOutcome.OPEN, AttemptOutcome.NOT_SENT}
        # An unreachable provider is given up after a deadline: it counts from the first such call.
        since = (self.trying_since or newest.started_at) if is_unsent else None
        return replace(self, attempts=(*kept, *recent), trying_since=since)

    def admitted(self, attempt: Attempt, *, due_at: datetime) -> Job:
        """The job while the call of its new attempt is made, with a lease until `due_at`."""
        job = self.with_attempt(attempt).move(Move.ADMIT, now=attempt.started_at, due_at=due_at)
        return replace(job, handovers_failed=0, preparations=0)

    def move(
        self,
        move: Move,
        *,
        now: datetime,
        reason: Reason | None = None,
        due_at: datetime | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> Job:
        """The job after a move. A queued job without a due time waits at the gate.

        Raises:
            IllegalMoveError: the transition table does not allow the move from this state.
        """
        allowed, target = TRANSITIONS[move]
        if self.state not in allowed:
            raise IllegalMoveError(f"{move} is not allowed from {self.state}")
        is_same_state = target is self.state
        # A job that is polled for hours would otherwise fill its history with the same entry.
        is_news = not is_same_state or reason is not self.reason
        news = [HistoryEntry(state=target, at=now, reason=reason)] if is_news else []
        return replace(
            self,
            state=target,
            tries=self.tries + 1 if is_same_state else 0,
            entered_at=self.entered_at if is_same_state else now,
            failures=self.failures if is_same_state else 0,
            cut_short=self.cut_short if is_same_state else 0,
            reason=reason,
            code=code,
            message=message,
            due_at=due_at,
            is_waiting=target is State.QUEUED and due_at is None,
            is_announced=False,
            updated_at=now,
            # A job that a person retries is no longer deleted.
            expires_at=None,
            history=(*self.history, *news)[-_HISTORY_LENGTH:],
        )

    def settle(
        self,
        move: Move,
        *,
        now: datetime,
        retention: timedelta,
        reason: Reason | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> Job:
        """The job after its last move: it expires after `retention`.

        It stays due until its completion event is sent, so that a crash in between cannot lose the
        event: when the lease of `storing` ends, otherwise at once. `superseded` jobs send none.
        """
        # Until the lease ends, the worker that stored the result announces it. If the job were due
        # before, Sweep might have a second one announce it, too.
        due_at = self.due_at if self.state is State.STORING else now
        job = self.move(
            move, now=now, reason=reason, due_at=due_at or now, code=code, message=message
        )
        # Nothing repeats a call of a job that has ended.
        attempts = tuple(replace(one, body_name=None) for one in job.attempts)
        # The table deletes rows by the second.
        expires_at = (now + retention).replace(microsecond=0)
        job = replace(job, attempts=attempts, expires_at=expires_at)
        return job.announced() if job.state is State.SUPERSEDED else job

    def announced(self) -> Job:
        """The job after its completion event was sent: it is no longer due."""
        return replace(self, is_announced=True, due_at=None)


_DELAYING = frozenset({Reason.BACKING_OFF, Reason.TASK_RETRIED, Reason.PREPARING})
_HISTORY_LENGTH = 60
_FREE_ATTEMPTS_KEPT = 10
