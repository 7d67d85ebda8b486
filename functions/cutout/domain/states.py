"""The states of a job and the moves between them; `reasons` has the reasons for both."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The state of a job; `functions/README.md` describes each."""

    QUEUED = "queued"
    """Registered; waits at the gate, or for its due time after a back-off."""
    SUBMITTING = "submitting"
    """An attempt is recorded, and its call is being made; a lease."""
    UNCONFIRMED = "unconfirmed"
    """The outcome of the call is unknown; its callback may still come."""
    PROCESSING = "processing"
    """The provider is working on a task whose id is known."""
    STORING = "storing"
    """The task is finished; its result is being fetched; a lease."""
    COMPLETED = "completed"
    """The cut-out is in the results bucket."""
    REVIEW = "review"
    """The result was paid for but fails acceptance; it is kept under `review/`."""
    FAILED = "failed"
    """The provider refused the photo or its task failed; code and message are kept."""
    REJECTED = "rejected"
    """Not a photo that the model takes; never sent, never paid."""
    SUPERSEDED = "superseded"
    """A newer upload of the key, or its deletion, came first."""

    @property
    def is_settled(self) -> bool:
        """Whether the job has ended, unless a person retries it."""
        return self in SETTLED


SETTLED = frozenset(
    {State.COMPLETED, State.REVIEW, State.FAILED, State.REJECTED, State.SUPERSEDED},
)
UNDECIDED = frozenset({State.SUBMITTING, State.UNCONFIRMED})
"""A call was or is being made, and its outcome is not recorded."""
SUBMITTED = frozenset({State.QUEUED, State.SUBMITTING, State.UNCONFIRMED})
"""Submit moves the job, and counts its failed steps."""
HOLDING = frozenset({State.SUBMITTING, State.UNCONFIRMED, State.PROCESSING})
"""A task of the job may be running, so that it holds a slot of the gate."""


class Move(StrEnum):
    """What can happen to a job."""

    HOLD = "hold"
    ADMIT = "admit"
    REPEAT = "repeat"
    REPEAT_LATER = "repeat-later"
    BACK_OFF = "back-off"
    OUTCOME_UNKNOWN = "lose-sight"
    ACCEPT = "accept"
    POLL_LATER = "poll-later"
    RETRY_TASK = "try-again"
    FETCH = "fetch"
    FETCH_LATER = "fetch-later"
    COMPLETE = "complete"
    KEEP_FOR_REVIEW = "keep-for-review"
    DECIDE = "decide"
    FAIL = "fail"
    REJECT = "reject"
    CACHE_MISS = "buy"
    SUPERSEDE = "supersede"
    RETRY = "retry"


_OPEN = frozenset(State) - SETTLED

TRANSITIONS: dict[Move, tuple[frozenset[State], State]] = {
    Move.HOLD: (frozenset({State.QUEUED}), State.QUEUED),
    Move.ADMIT: (frozenset({State.QUEUED}), State.SUBMITTING),
    Move.REPEAT: (frozenset({State.UNCONFIRMED}), State.SUBMITTING),
    Move.REPEAT_LATER: (frozenset({State.UNCONFIRMED}), State.UNCONFIRMED),
    Move.BACK_OFF: (UNDECIDED, State.QUEUED),
    Move.OUTCOME_UNKNOWN: (frozenset({State.SUBMITTING}), State.UNCONFIRMED),
    Move.ACCEPT: (UNDECIDED, State.PROCESSING),
    Move.POLL_LATER: (frozenset({State.PROCESSING}), State.PROCESSING),
    Move.RETRY_TASK: (HOLDING, State.QUEUED),
    # Also from `failed`, `rejected` and `queued`: a result that comes after the job failed, or
    # while another attempt waits, was paid for and is stored.
    Move.FETCH: (_OPEN | {State.FAILED, State.REJECTED}, State.STORING),
    Move.FETCH_LATER: (frozenset({State.STORING}), State.STORING),
    # The cached result is gone or damaged, or a retry's recheck found no result.
    Move.CACHE_MISS: (frozenset({State.STORING}), State.QUEUED),
    Move.COMPLETE: (frozenset({State.STORING}), State.COMPLETED),
    Move.KEEP_FOR_REVIEW: (frozenset({State.STORING}), State.REVIEW),
    # A person accepted or rejected the result; StoreResult carries the decision out.
    Move.DECIDE: (frozenset({State.REVIEW}), State.STORING),
    Move.FAIL: (_OPEN, State.FAILED),
    Move.REJECT: (frozenset({State.QUEUED}), State.REJECTED),
    Move.SUPERSEDE: (_OPEN, State.SUPERSEDED),
    Move.RETRY: (frozenset({State.FAILED, State.REVIEW, State.REJECTED}), State.QUEUED),
}
"""For each move: the states that allow it, and the state it leads to."""


class Lane(StrEnum):
    """The priority of a job at the gate; live jobs go first."""

    LIVE = "live"
    BACKFILL = "backfill"


class Transport(StrEnum):
    """How the provider gets the photo."""

    PRESIGNED = "presigned"
    """By a presigned link."""
    FILES = "files"
    """We upload a copy to its file store, and delete it after use."""


class Pixels(StrEnum):
    """Whose colours a cut-out has; its transparency is always the model's."""

    MODEL = "model"
    """The model's, in the size that it returns."""
    SOURCE = "source"
    """The photo's own, in full size."""


class AttemptOutcome(StrEnum):
    """The outcome of one paid call."""

    OPEN = "open"
    NOT_SENT = "not-sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
