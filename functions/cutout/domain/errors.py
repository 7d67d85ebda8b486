"""All errors, as one tree; decisions are made by type, never by text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cutout.domain.reasons import Reason


class CutoutError(Exception):
    """The root of all errors; only entry points catch it."""


class TransientError(CutoutError):
    """The same operation may succeed later: the queue delivers again, or Sweep enqueues the job."""


class StoreBusyError(TransientError):
    """The jobs table throttled, or two transactions collided."""


class NotSentError(TransientError):
    """The request never reached the server: name look-up, connect or TLS failed."""


class ResponseLostError(TransientError):
    """The request may have reached the server, but no usable answer came back."""


class ProviderBusyError(TransientError):
    """The provider cannot answer a read now.

    Attributes:
        status: the HTTP status it gave.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class SourceDeniedError(TransientError):
    """S3 denies the function the object; a person may fix the policy or the KMS key."""


class NewerRowError(CutoutError):
    """A newer version that has since been rolled back wrote the job; this version cannot read it.

    The job is left alone. If the newer version is deployed again, it continues the job.
    """


class LostRaceError(CutoutError):
    """A conditional write lost its race; this is expected."""

    def __init__(self, text: str = "another worker wrote first") -> None:
        super().__init__(text)


class PermanentError(CutoutError):
    """The same operation cannot succeed later: end the job, or report to the person."""


class NotAPhotoError(PermanentError):
    """The object is not a photo that the model takes.

    Attributes:
        reason: which of the reasons for `rejected`.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NeedsPreparingError(NotAPhotoError):
    """The model does not take the photo unchanged, but a copy that it takes can be made.

    In a deployment without Prepare it is handled as its base class.

    Attributes:
        sha256: of the upload, if it was read.
    """

    sha256: str | None = None


class CopyGoneError(PermanentError):
    """The prepared copy of a photo no longer exists."""


class SourceGoneError(PermanentError):
    """The object, or this version of it, no longer exists."""


class ObjectRefusedError(PermanentError):
    """S3 refuses to copy one object (archived, encrypted, not allowed); others may be copied."""


class PictureError(PermanentError):
    """An image cannot be decoded or made; the message tells a person why."""


class FetchRefusedError(PermanentError):
    """A URL must not be fetched, or serves something that is not accepted."""


class TaskUnknownError(PermanentError):
    """The provider has no such task, or not yet."""


class CallbackRefusedError(PermanentError):
    """A callback is not authentic.

    Attributes:
        is_malformed: its token is not well-formed, or its signature is wrong.
    """

    def __init__(self, message: str, *, is_malformed: bool) -> None:
        super().__init__(message)
        self.is_malformed = is_malformed


class MessageError(PermanentError):
    """A queue message is neither ours nor S3's; it goes to the dead-letter queue."""


class IllegalMoveError(PermanentError):
    """The job's state does not allow the move: a defect, or a person's mistake."""


class SettingsError(PermanentError):
    """A setting is missing or wrong; the message says which and what is expected."""
