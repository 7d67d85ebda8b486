"""The job: one version of one photo, its states, and the only ways from one to the next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from cutout.errors import IllegalMoveError


class State(StrEnum):
    """Where a job stands. Each has a sentence in the README."""

    QUEUED = "queued"
    """Accepted; waits for the gate, or for `due` after a back-off."""
    SUBMITTING = "submitting"
    """An attempt is recorded and being POSTed; a lease."""
    UNCONFIRMED = "unconfirmed"
    """The POST's outcome is unknown; its callback may still come."""
    PROCESSING = "processing"
    """The provider has it and its task id is known."""
    STORING = "storing"
    """The task is finished; its result is being fetched; a lease."""
    COMPLETED = "completed"
    """The cut-out is at its result key."""
    REVIEW = "review"
    """Paid for, but the result fails acceptance; kept under `review/`."""
    FAILED = "failed"
    """The provider refused or gave up; its code and message are kept."""
    REJECTED = "rejected"
    """Never sent, never paid: not a photo that the model takes."""
    SUPERSEDED = "superseded"
    """A newer upload of the key, or its deletion, came first."""

    @property
    def is_settled(self) -> bool:
        """The job is over, until a person retries it."""
        return self in SETTLED

    @property
    def holds_slot(self) -> bool:
        """A task of this job may be running at the provider, so it counts at the gate."""
        return self in HOLDING


SETTLED = frozenset(
    {State.COMPLETED, State.REVIEW, State.FAILED, State.REJECTED, State.SUPERSEDED},
)
HOLDING = frozenset({State.SUBMITTING, State.UNCONFIRMED, State.PROCESSING})


class Move(StrEnum):
    """What can happen to a job."""

    HOLD = "hold"
    ADMIT = "admit"
    REPEAT = "repeat"
    BACK_OFF = "back-off"
    LOSE_SIGHT = "lose-sight"
    ACCEPT = "accept"
    POLL_LATER = "poll-later"
    TRY_AGAIN = "try-again"
    FETCH = "fetch"
    FETCH_LATER = "fetch-later"
    COMPLETE = "complete"
    KEEP_FOR_REVIEW = "keep-for-review"
    FAIL = "fail"
    REJECT = "reject"
    SUPERSEDE = "supersede"
    RETRY = "retry"


_IN_FLIGHT = frozenset({State.SUBMITTING, State.UNCONFIRMED, State.PROCESSING})
_OPEN = frozenset(State) - SETTLED

TRANSITIONS: dict[Move, tuple[frozenset[State], State]] = {
    Move.HOLD: (frozenset({State.QUEUED}), State.QUEUED),
    Move.ADMIT: (frozenset({State.QUEUED}), State.SUBMITTING),
    Move.REPEAT: (frozenset({State.UNCONFIRMED}), State.SUBMITTING),
    Move.BACK_OFF: (frozenset({State.SUBMITTING}), State.QUEUED),
    Move.LOSE_SIGHT: (frozenset({State.SUBMITTING}), State.UNCONFIRMED),
    Move.ACCEPT: (frozenset({State.SUBMITTING, State.UNCONFIRMED}), State.PROCESSING),
    Move.POLL_LATER: (frozenset({State.PROCESSING}), State.PROCESSING),
    Move.TRY_AGAIN: (_IN_FLIGHT, State.QUEUED),
    # From `failed` too: a result that comes after we gave up was paid for, and is kept.
    Move.FETCH: (_IN_FLIGHT | {State.STORING, State.FAILED}, State.STORING),
    Move.FETCH_LATER: (frozenset({State.STORING}), State.STORING),
    Move.COMPLETE: (frozenset({State.STORING}), State.COMPLETED),
    Move.KEEP_FOR_REVIEW: (frozenset({State.STORING}), State.REVIEW),
    Move.FAIL: (_OPEN, State.FAILED),
    Move.REJECT: (frozenset({State.QUEUED}), State.REJECTED),
    Move.SUPERSEDE: (_OPEN, State.SUPERSEDED),
    Move.RETRY: (frozenset({State.FAILED, State.REVIEW, State.REJECTED}), State.QUEUED),
}
"""From which states a move is allowed, and where it leads: the one table."""


class Reason(StrEnum):
    """Why a job stands where it stands; `where` prints it."""

    FOLDER_MARKER = "folder-marker"
    EMPTY_OBJECT = "empty-object"
    NOT_A_PHOTO = "not-a-photo"
    DAMAGED_PHOTO = "damaged-photo"
    UNSUPPORTED_FORMAT = "unsupported-format"
    TOO_MANY_BYTES = "too-many-bytes"
    TOO_MANY_PIXELS = "too-many-pixels"

    GATE_FULL = "gate-full"
    DAILY_CAP = "daily-cap"
    GATE_PAUSED = "gate-paused"
    BEHIND_OTHERS = "behind-others"

    BACKING_OFF = "backing-off"
    OUTCOME_UNKNOWN = "outcome-unknown"
    TASK_RETRIED = "task-retried"
    RESULT_UNREADABLE = "result-unreadable"

    REFUSED_BY_PROVIDER = "refused-by-provider"
    TASK_FAILED = "task-failed"
    TASK_LOST = "task-lost"
    PROVIDER_UNREACHABLE = "provider-unreachable"
    DEADLINE_PASSED = "deadline-passed"

    RESULT_NOT_AN_IMAGE = "result-not-an-image"
    RESULT_OPAQUE = "result-opaque"
    RESULT_EMPTY = "result-empty"
    RESULT_ASPECT_DIFFERS = "result-aspect-differs"

    NEWER_UPLOAD = "newer-upload"
    SOURCE_DELETED = "source-deleted"
    RETRIED_BY_PERSON = "retried-by-person"


class Lane(StrEnum):
    """Which queue behind the gate a job stands in; live photos go first."""

    LIVE = "live"
    BACKFILL = "backfill"


class AttemptOutcome(StrEnum):
    """What became of one paid call."""

    OPEN = "open"
    NOT_SENT = "not-sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The upload: which bytes this job is about.

    Attributes:
        sequencer: S3's order of events on one key, upper-case hexadecimal as S3 sends it.
        size: bytes.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    sequencer: str
    size: int

    @property
    def ref(self) -> str:
        """Name of the key, whichever version: `bucket/key`."""
        return f"{self.bucket}/{self.key}"

    @property
    def job_id(self) -> str:
        """The same for every repeat of the event: 32 hexadecimal digits."""
        version = self.version_id or f"{self.etag}:{self.sequencer}"
        identity = "\0".join((self.bucket, self.key, version))
        return hashlib.sha256(identity.encode()).hexdigest()[:32]

    @property
    def order(self) -> str:
        """The sequencer, padded so that strings compare as S3 defines it.

        Source: "right pad the shorter value with zeros and compare", S3 event message structure.
        """
        return self.sequencer.upper().ljust(32, "0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """What the header of the file says. Width and height in pixels, as shown (EXIF-turned)."""

    format: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One paid call, recorded before it is made.

    Attributes:
        number: from 1; the callback URL names it.
        body: the exact JSON text POSTed, kept while the attempt is open so that a repeat is the same.
        posts: how often the body was sent.
        credits_reserved: what the provider said it reserved, or our estimate until it did.
        is_possible_double_charge: the body was repeated and the provider did not say `replayed`.
    """

    number: int
    idempotency_key: str
    body: str | None
    started_at: datetime
    posts: int = 1
    outcome: AttemptOutcome = AttemptOutcome.OPEN
    task_id: str | None = None
    credits_reserved: Decimal | None = None
    credits_used: Decimal | None = None
    code: str | None = None
    message: str | None = None
    is_possible_double_charge: bool = False

    @property
    def is_open(self) -> bool:
        """Its outcome may still change."""
        return self.outcome in _OPEN_OUTCOMES

    def ended(self, outcome: AttemptOutcome, **facts: Any) -> Attempt:  # noqa: ANN401 - fields of an attempt
        """The attempt with its last word; the body, which grants access to the photo, goes."""
        return replace(self, outcome=outcome, body=None, **facts)


_OPEN_OUTCOMES = frozenset(
    {AttemptOutcome.OPEN, AttemptOutcome.UNKNOWN, AttemptOutcome.ACCEPTED},
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The object that was stored. Size in bytes, width and height in pixels."""

    bucket: str
    key: str
    size: int
    width: int
    height: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One entry of a job's history."""

    state: State
    at: datetime
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One version of one photo on its way to a cut-out.

    Attributes:
        version: counts the writes of the row; every write names the one it read.
        due_at: when Sweep looks at it, if nothing else moved it before.
        lane: which queue behind the gate it belongs to.
        is_waiting: stands behind the gate (then `due_at` is None).
        is_announced: the completion event is out, or none is owed.
    """

    id: str
    source: Source
    state: State
    result_key: str
    created_at: datetime
    updated_at: datetime
    version: int = 0
    due_at: datetime | None = None
    lane: Lane = Lane.LIVE
    is_waiting: bool = False
    is_announced: bool = False
    reason: Reason | None = None
    code: str | None = None
    message: str | None = None
    photo: Photo | None = None
    attempts: tuple[Attempt, ...] = ()
    result: Result | None = None
    history: tuple[Step, ...] = ()
    expires_at: datetime | None = None

    @classmethod
    def begin(cls, source: Source, *, result_key: str, now: datetime, due_at: datetime) -> Job:
        """A new job for an upload. Sweep looks at it at `due_at` should its worker die."""
        return cls(
            id=source.job_id,
            source=source,
            state=State.QUEUED,
            result_key=result_key,
            created_at=now,
            updated_at=now,
            due_at=due_at,
            history=(Step(state=State.QUEUED, at=now),),
        )

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def credits(self) -> Decimal:
        """What the job is known to have cost: used where the provider said so."""
        return sum((charged(attempt) for attempt in self.attempts), Decimal(0))

    def attempt_numbered(self, number: int) -> Attempt | None:
        """The attempt that a callback URL names."""
        return next((a for a in self.attempts if a.number == number), None)

    def with_attempt(self, attempt: Attempt) -> Job:
        """The job with this attempt in place of the one of the same number, or added."""
        kept = [a for a in self.attempts if a.number != attempt.number]
        ordered = sorted([*kept, attempt], key=lambda a: a.number)
        return replace(self, attempts=tuple(ordered))

    def move(
        self,
        move: Move,
        *,
        now: datetime,
        reason: Reason | None = None,
        due_at: datetime | None = None,
        **facts: Any,  # noqa: ANN401 - fields of a job
    ) -> Job:
        """The job after a move; `facts` are other fields that change with it.

        Raises:
            IllegalMoveError: the table does not allow it from this state.
        """
        allowed, target = TRANSITIONS[move]
        if self.state not in allowed:
            raise IllegalMoveError(f"{move} is not allowed from {self.state}")
        history = self.history
        if target is not self.state or reason is not self.reason:
            history = (*history, Step(state=target, at=now, reason=reason))
        fresh: dict[str, Any] = {
            "code": None,
            "message": None,
            "is_waiting": False,
            "is_announced": False,
            "expires_at": None,
        }
        return replace(
            self,
            **(fresh | facts),
            state=target,
            reason=reason,
            due_at=due_at,
            updated_at=now,
            history=history[-_HISTORY_LENGTH:],
        )

    def settle(
        self,
        move: Move,
        *,
        now: datetime,
        retention: timedelta,
        reason: Reason | None = None,
        **facts: Any,  # noqa: ANN401 - fields of a job
    ) -> Job:
        """The job after its last move: it expires after `retention`.

        It stays due at once until its completion event is out, so that a crash between the two
        cannot swallow the event. `superseded` jobs announce nothing.
        """
        job = self.move(move, now=now, reason=reason, due_at=now, **facts)
        job = replace(job, expires_at=now + retention)
        return job.announced() if job.state is State.SUPERSEDED else job

    def announced(self) -> Job:
        """The job whose completion event is out: nothing is due any more."""
        return replace(self, is_announced=True, due_at=None)


_HISTORY_LENGTH = 60


def charged(attempt: Attempt) -> Decimal:
    """Credits that an attempt is known or must be assumed to have cost."""
    if attempt.credits_used is not None:
        return attempt.credits_used
    if attempt.outcome in {AttemptOutcome.NOT_SENT, AttemptOutcome.REFUSED, AttemptOutcome.FAILED}:
        return Decimal(0)
    return attempt.credits_reserved or Decimal(0)
