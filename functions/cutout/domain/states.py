"""The states of a job, the moves between them, and the reasons for both."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a job stands. Each has a sentence in `functions/README.md`."""

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
UNDECIDED = frozenset({State.SUBMITTING, State.UNCONFIRMED})
"""A call was or is being made, and its outcome is not recorded."""
HOLDING = frozenset({State.SUBMITTING, State.UNCONFIRMED, State.PROCESSING})


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
    FAIL = "fail"
    REJECT = "reject"
    CACHE_MISS = "buy"
    SUPERSEDE = "supersede"
    RETRY = "retry"


_IN_FLIGHT = frozenset({State.SUBMITTING, State.UNCONFIRMED, State.PROCESSING})
_OPEN = frozenset(State) - SETTLED

TRANSITIONS: dict[Move, tuple[frozenset[State], State]] = {
    Move.HOLD: (frozenset({State.QUEUED}), State.QUEUED),
    Move.ADMIT: (frozenset({State.QUEUED}), State.SUBMITTING),
    Move.REPEAT: (frozenset({State.UNCONFIRMED}), State.SUBMITTING),
    Move.REPEAT_LATER: (frozenset({State.UNCONFIRMED}), State.UNCONFIRMED),
    Move.BACK_OFF: (frozenset({State.SUBMITTING, State.UNCONFIRMED}), State.QUEUED),
    Move.OUTCOME_UNKNOWN: (frozenset({State.SUBMITTING}), State.UNCONFIRMED),
    Move.ACCEPT: (frozenset({State.SUBMITTING, State.UNCONFIRMED}), State.PROCESSING),
    Move.POLL_LATER: (frozenset({State.PROCESSING}), State.PROCESSING),
    Move.RETRY_TASK: (_IN_FLIGHT, State.QUEUED),
    # From `failed`, `rejected` and `queued` too: a result that comes after the job was given up, or
    # while another attempt waits, was paid for, and is kept.
    Move.FETCH: (_OPEN | {State.FAILED, State.REJECTED}, State.STORING),
    Move.FETCH_LATER: (frozenset({State.STORING}), State.STORING),
    # What was kept of the same picture is gone or damaged; or a person's retry asked for a result
    # that was paid for before, and it is not to be had.
    Move.CACHE_MISS: (frozenset({State.STORING}), State.QUEUED),
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
    OWN_OUTPUT = "own-output"
    UNREADABLE = "unreadable"
    NOT_A_PHOTO = "not-a-photo"
    DAMAGED_PHOTO = "damaged-photo"
    UNSUPPORTED_FORMAT = "unsupported-format"
    TOO_MANY_BYTES = "too-many-bytes"
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_SMALL = "too-small"
    SIDE_TOO_LONG = "side-too-long"
    TOO_ELONGATED = "too-elongated"
    ANIMATED = "animated"
    NOTHING_TO_SEE = "nothing-to-see"
    CANNOT_BE_PREPARED = "cannot-be-prepared"

    PREPARING = "preparing"

    GATE_FULL = "gate-full"
    DAILY_CAP = "daily-cap"
    GATE_PAUSED = "gate-paused"
    BEHIND_OTHERS = "behind-others"

    SAME_PICTURE = "same-picture"
    KEPT_RESULT_LOST = "kept-result-lost"
    BACKING_OFF = "backing-off"
    OUTCOME_UNKNOWN = "outcome-unknown"
    TASK_RETRIED = "task-retried"
    RESULT_UNREADABLE = "result-unreadable"
    STEP_FAILED = "step-failed"

    REFUSED_BY_PROVIDER = "refused-by-provider"
    TASK_FAILED = "task-failed"
    TASK_LOST = "task-lost"
    RESULT_LOST = "result-lost"
    PROVIDER_UNREACHABLE = "provider-unreachable"
    DEADLINE_PASSED = "deadline-passed"

    RESULT_UNCHECKED = "result-unchecked"
    RESULT_NOT_AN_IMAGE = "result-not-an-image"
    RESULT_TOO_SMALL = "result-too-small"
    RESULT_OPAQUE = "result-opaque"
    RESULT_EMPTY = "result-empty"
    RESULT_ASPECT_DIFFERS = "result-aspect-differs"

    NEWER_UPLOAD = "newer-upload"
    SOURCE_DELETED = "source-deleted"
    RETRIED_BY_PERSON = "retried-by-person"


REFUSALS = frozenset(
    {
        Reason.FOLDER_MARKER,
        Reason.EMPTY_OBJECT,
        Reason.OWN_OUTPUT,
        Reason.UNREADABLE,
        Reason.NOT_A_PHOTO,
        Reason.DAMAGED_PHOTO,
        Reason.UNSUPPORTED_FORMAT,
        Reason.TOO_MANY_BYTES,
        Reason.TOO_MANY_PIXELS,
        Reason.TOO_SMALL,
        Reason.SIDE_TOO_LONG,
        Reason.TOO_ELONGATED,
        Reason.ANIMATED,
        Reason.NOTHING_TO_SEE,
        Reason.CANNOT_BE_PREPARED,
    },
)
"""Why a job is rejected. One that is queued with such a reason is about to be: Prepare found it
out, and Submit, which settles jobs, has yet to look at it."""


class Lane(StrEnum):
    """Which queue behind the gate a job stands in; live photos go first."""

    LIVE = "live"
    BACKFILL = "backfill"


class Transport(StrEnum):
    """How the provider gets the photo."""

    PRESIGNED = "presigned"
    """It reads the upload by a link."""
    FILES = "files"
    """We upload a copy to its file store, and delete it after use."""


class Pixels(StrEnum):
    """Whose colours a cut-out has; its transparency always follows the model."""

    MODEL = "model"
    """The model's, as many as it gives back."""
    SOURCE = "source"
    """The photo's own, every one of them."""


class AttemptOutcome(StrEnum):
    """What became of one paid call."""

    OPEN = "open"
    NOT_SENT = "not-sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
