"""The states of a job, the moves between them, and the reasons for both."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


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

    @property
    def holds_slot(self) -> bool:
        """Whether a task of the job may be running, so that it holds a slot of the gate."""
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
    DECIDE = "decide"
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


class Reason(StrEnum):
    """Why a job is in its state; `cutout where` prints it.

    Attributes:
        meaning: a sentence for people.
    """

    _value_: str
    meaning: str

    # Without a default, type checkers refuse `Reason(value)`, which looks a reason up.
    def __new__(cls, value: str, meaning: str = "") -> Self:
        """A reason, stored as `value`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    FOLDER_MARKER = "folder-marker", "The key ends in a slash: it marks a folder and is no photo."
    EMPTY_OBJECT = "empty-object", "The object is empty."
    OWN_OUTPUT = "own-output", "Its metadata says that it is a cut-out already."
    SKIPPED_BY_UPLOADER = (
        "skipped-by-uploader",
        "Its metadata `cutout-skip: true` asks for no cut-out.",
    )
    UNREADABLE = (
        "unreadable",
        (
            "The object cannot be read from S3: it is archived, encrypted with a key of its owner, "
            "or a policy or a KMS key denies the function access."
        ),
    )
    NOT_A_PHOTO = "not-a-photo", "The content is not an image, whatever its name says."
    DAMAGED_PHOTO = "damaged-photo", "The image is damaged or truncated."
    UNSUPPORTED_FORMAT = "unsupported-format", "The model does not take this image format."
    TOO_MANY_BYTES = "too-many-bytes", "The file is larger than the settings allow."
    TOO_MANY_PIXELS = "too-many-pixels", "The image has more pixels than the limits allow."
    TOO_SMALL = "too-small", "A side of the image is shorter than the model takes."
    SIDE_TOO_LONG = "side-too-long", "A side of the image is longer than the model takes."
    TOO_ELONGATED = (
        "too-elongated",
        "The image is so long and thin that the model takes it in no size.",
    )
    ANIMATED = "animated", "The image is an animation."
    NOTHING_TO_SEE = "nothing-to-see", "Every pixel of the image is transparent."
    CANNOT_BE_PREPARED = "cannot-be-prepared", "No copy could be made that the model takes."

    PREPARING = "preparing", "A copy of the photo is being made."

    GATE_FULL = "gate-full", "The maximum number of tasks is running."
    DAILY_CAP = "daily-cap", "The day's remaining credits are fewer than a photo costs."
    PRICE_ABOVE_CAP = (
        "price-above-cap",
        (
            "The provider asked more for one photo than the daily cap allows; a higher cap or a "
            "lower price is needed."
        ),
    )
    GATE_PAUSED = "gate-paused", "The gate is paused."
    BEHIND_OTHERS = "behind-others", "Other jobs are waiting before this one."

    SAME_PICTURE = (
        "same-picture",
        (
            "Another upload with the same content is being processed; this one will get the same "
            "result."
        ),
    )
    KEPT_RESULT_LOST = (
        "kept-result-lost",
        "The cached result of the same content is gone; a new call is made.",
    )
    BACKING_OFF = (
        "backing-off",
        "The call could not be made, or a step before it failed; it is tried again after a wait.",
    )
    OUTCOME_UNKNOWN = "outcome-unknown", "It is unknown whether the provider took the call."
    TASK_RETRIED = "task-retried", "The provider's task failed with an error that is worth a retry."
    RESULT_UNREADABLE = (
        "result-unreadable",
        "The result could not be fetched; it is tried again after a wait.",
    )
    STEP_FAILED = "step-failed", "A step failed on every try; the message says how."

    REFUSED_BY_PROVIDER = "refused-by-provider", "The provider refused the photo."
    TASK_FAILED = "task-failed", "The provider's task failed."
    TASK_LOST = "task-lost", "The provider no longer knows the task."
    RESULT_LOST = "result-lost", "The result was made, but could not be fetched in time."
    PROVIDER_UNREACHABLE = (
        "provider-unreachable",
        "The provider could not be reached before the deadline.",
    )
    DEADLINE_PASSED = "deadline-passed", "The task was not finished before the deadline."

    RESULT_UNCHECKED = "result-unchecked", "The result could not be checked: every try failed."
    RESULT_NOT_AN_IMAGE = "result-not-an-image", "The result is an image that cannot be decoded."
    RESULT_TOO_SMALL = "result-too-small", "The result has far fewer pixels than the photo."
    RESULT_OPAQUE = "result-opaque", "The result has no transparent pixels: nothing was cut out."
    RESULT_EMPTY = (
        "result-empty",
        "The result is completely transparent: nothing is left of the photo.",
    )
    RESULT_ASPECT_DIFFERS = (
        "result-aspect-differs",
        "The result has another aspect ratio than the photo.",
    )

    NEWER_UPLOAD = "newer-upload", "A newer upload of the key replaced it."
    SOURCE_DELETED = "source-deleted", "The photo was deleted before it was completed."
    RETRIED_BY_PERSON = "retried-by-person", "A person retried it."
    ACCEPTED_BY_PERSON = (
        "accepted-by-person",
        "A person accepted the result under review as the cut-out.",
    )
    REJECTED_BY_PERSON = "rejected-by-person", "A person rejected the result under review."


REFUSALS = frozenset(
    {
        Reason.FOLDER_MARKER,
        Reason.EMPTY_OBJECT,
        Reason.OWN_OUTPUT,
        Reason.SKIPPED_BY_UPLOADER,
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
"""Reasons for `rejected`. A queued job has one if Prepare reported it and Submit must end it."""
GIVEN_BY_METADATA = frozenset({Reason.OWN_OUTPUT, Reason.SKIPPED_BY_UPLOADER})
"""Reasons for `rejected` that follow from the upload's metadata; such a job leaves no note."""


DECISIONS = frozenset({Reason.ACCEPTED_BY_PERSON, Reason.REJECTED_BY_PERSON})
"""Reasons of a job whose result a person has accepted or rejected."""


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
