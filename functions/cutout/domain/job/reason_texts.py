"""The meaning of each reason, as a sentence for people."""

from __future__ import annotations

from cutout.domain.states import Reason

MEANINGS: dict[Reason, str] = {
    Reason.FOLDER_MARKER: "The key ends in a slash: it marks a folder and is no photo.",
    Reason.EMPTY_OBJECT: "The object is empty.",
    Reason.OWN_OUTPUT: "Its metadata says that it is a cut-out already.",
    Reason.SKIPPED_BY_UPLOADER: "Its metadata `cutout-skip: true` asks for no cut-out.",
    Reason.UNREADABLE: "The object cannot be read from S3: it is archived, encrypted with a key "
    "of its owner, or a policy or a KMS key denies the function access.",
    Reason.NOT_A_PHOTO: "The content is not an image, whatever its name says.",
    Reason.DAMAGED_PHOTO: "The image is damaged or truncated.",
    Reason.UNSUPPORTED_FORMAT: "The model does not take this image format.",
    Reason.TOO_MANY_BYTES: "The file is larger than the settings allow.",
    Reason.TOO_MANY_PIXELS: "The image has more pixels than the limits allow.",
    Reason.TOO_SMALL: "A side of the image is shorter than the model takes.",
    Reason.SIDE_TOO_LONG: "A side of the image is longer than the model takes.",
    Reason.TOO_ELONGATED: "The image is so long and thin that the model takes it in no size.",
    Reason.ANIMATED: "The image is an animation.",
    Reason.NOTHING_TO_SEE: "Every pixel of the image is transparent.",
    Reason.CANNOT_BE_PREPARED: "No copy could be made that the model takes.",
    Reason.PREPARING: "A copy of the photo is being made.",
    Reason.GATE_FULL: "The maximum number of tasks is running.",
    Reason.DAILY_CAP: "The day's remaining credits are fewer than a photo costs.",
    Reason.PRICE_ABOVE_CAP: "The provider asked more for one photo than the daily cap allows; a "
    "higher cap or a lower price is needed.",
    Reason.GATE_PAUSED: "The gate is paused.",
    Reason.BEHIND_OTHERS: "Other jobs are waiting before this one.",
    Reason.SAME_PICTURE: "Another upload with the same content is being processed; this one will "
    "get the same result.",
    Reason.KEPT_RESULT_LOST: "The cached result of the same content is gone; a new call is made.",
    Reason.BACKING_OFF: "The call could not be made, or a step before it failed; it is tried again "
    "after a wait.",
    Reason.OUTCOME_UNKNOWN: "It is unknown whether the provider took the call.",
    Reason.TASK_RETRIED: "The provider's task failed with an error that is worth a retry.",
    Reason.RESULT_UNREADABLE: "The result could not be fetched; it is tried again after a wait.",
    Reason.STEP_FAILED: "A step failed on every try; the message says how.",
    Reason.REFUSED_BY_PROVIDER: "The provider refused the photo.",
    Reason.TASK_FAILED: "The provider's task failed.",
    Reason.TASK_LOST: "The provider no longer knows the task.",
    Reason.RESULT_LOST: "The result was made, but could not be fetched in time.",
    Reason.PROVIDER_UNREACHABLE: "The provider could not be reached before the deadline.",
    Reason.DEADLINE_PASSED: "The task was not finished before the deadline.",
    Reason.RESULT_UNCHECKED: "The result could not be checked: every try failed.",
    Reason.RESULT_NOT_AN_IMAGE: "The result is an image that cannot be decoded.",
    Reason.RESULT_OPAQUE: "The result has no transparent pixels: nothing was cut out.",
    Reason.RESULT_EMPTY: "The result is completely transparent: nothing is left of the photo.",
    Reason.RESULT_ASPECT_DIFFERS: "The result has another aspect ratio than the photo.",
    Reason.RESULT_TOO_SMALL: "The result has far fewer pixels than the photo.",
    Reason.NEWER_UPLOAD: "A newer upload of the key replaced it.",
    Reason.SOURCE_DELETED: "The photo was deleted before it was completed.",
    Reason.RETRIED_BY_PERSON: "A person retried it.",
    Reason.ACCEPTED_BY_PERSON: "A person accepted the result under review as the cut-out.",
    Reason.REJECTED_BY_PERSON: "A person rejected the result under review.",
}


TAKEN_UNNAMED = "a callback shows that the call was taken, but not which task it made"
