"""The reasons for a job's state, and what each means."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


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
