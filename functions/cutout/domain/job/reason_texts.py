"""What each reason means, in a sentence for whoever finds it beside a photo."""

from __future__ import annotations

from cutout.domain.states import Reason

MEANINGS: dict[Reason, str] = {
    Reason.FOLDER_MARKER: "The key ends in a slash: it marks a folder and is no photo.",
    Reason.EMPTY_OBJECT: "The object is empty.",
    Reason.OWN_OUTPUT: "It is a cut-out already, by its metadata.",
    Reason.UNREADABLE: "The object cannot be read from S3: it is archived, encrypted with a key "
    "that only its owner has, or a policy or a KMS key keeps the function from it.",
    Reason.NOT_A_PHOTO: "The content is not a picture, whatever the name says.",
    Reason.DAMAGED_PHOTO: "The picture is damaged or cut short.",
    Reason.UNSUPPORTED_FORMAT: "The picture is in a format that the model does not take.",
    Reason.TOO_MANY_BYTES: "The file is larger than the settings allow.",
    Reason.TOO_MANY_PIXELS: "The picture has more pixels than can be taken.",
    Reason.TOO_SMALL: "A side of the picture is shorter than the model takes.",
    Reason.SIDE_TOO_LONG: "A side of the picture is longer than the model takes.",
    Reason.TOO_ELONGATED: "The picture is so long and thin that the model takes it in no size.",
    Reason.ANIMATED: "The picture is an animation.",
    Reason.NOTHING_TO_SEE: "Every pixel of the picture is transparent.",
    Reason.CANNOT_BE_PREPARED: "No copy could be made that the model takes.",
    Reason.PREPARING: "A copy of the photo is being made.",
    Reason.GATE_FULL: "As many tasks run as the limits allow.",
    Reason.DAILY_CAP: "The rest of the day's credits is less than a photo takes.",
    Reason.GATE_PAUSED: "Intake is paused.",
    Reason.BEHIND_OTHERS: "Others came first.",
    Reason.SAME_PICTURE: "The same picture is being bought by another upload; its result will do.",
    Reason.KEPT_RESULT_LOST: "What was kept of the same picture is gone; it is bought anew.",
    Reason.BACKING_OFF: "The call could not be made, or a step before it failed; it is tried again "
    "after a wait.",
    Reason.OUTCOME_UNKNOWN: "Nobody can say whether the provider took the call.",
    Reason.TASK_RETRIED: "The provider's task failed in a way that is worth another try.",
    Reason.RESULT_UNREADABLE: "The result could not be fetched; it is tried again after a wait.",
    Reason.STEP_FAILED: "A step failed each time that it was tried; the message says how.",
    Reason.REFUSED_BY_PROVIDER: "The provider refused the photo.",
    Reason.TASK_FAILED: "The provider took the photo and gave up on it.",
    Reason.TASK_LOST: "The provider no longer knows the task.",
    Reason.RESULT_LOST: "The result was made, but could not be fetched in time.",
    Reason.PROVIDER_UNREACHABLE: "The provider could not be reached before the deadline.",
    Reason.DEADLINE_PASSED: "The task was not finished before the deadline.",
    Reason.RESULT_UNCHECKED: "What came back could not be checked: each try to do so failed.",
    Reason.RESULT_NOT_AN_IMAGE: "What came back is a picture that cannot be decoded.",
    Reason.RESULT_OPAQUE: "What came back has no transparent pixel: nothing was cut out.",
    Reason.RESULT_EMPTY: "What came back is wholly transparent: nothing is left of the photo.",
    Reason.RESULT_ASPECT_DIFFERS: "What came back has another shape than the photo.",
    Reason.RESULT_TOO_SMALL: "What came back has far fewer pixels than the photo.",
    Reason.NEWER_UPLOAD: "A newer upload of the key came first.",
    Reason.SOURCE_DELETED: "The photo was deleted before it was done.",
    Reason.RETRIED_BY_PERSON: "A person asked for another try.",
}


TAKEN_UNNAMED = "a callback shows that the call was taken, but not which task it made"
