"""Everything that can go wrong, as one tree.

Decisions are made by type, never by text::

    CutoutError
    ├── TransientError              let it propagate: the queue delivers again, then Sweep
    │   ├── StoreBusyError          the jobs table throttled or a transaction collided
    │   ├── NotSentError            an HTTP request certainly did not reach the server
    │   ├── ResponseLostError       it may have reached the server; no usable answer came
    │   ├── ProviderBusyError       the provider does not answer a read now
    │   └── SourceDeniedError       a policy or a KMS key keeps the function from the object
    ├── NewerRowError               a row says what only a newer version of us understands
    ├── LostRaceError               somebody else moved the row first; carries the winner
    │   ├── JobMovedError           … the job's row
    │   ├── GateMovedError          … the gate
    │   ├── DedupRecordMovedError      … a picture's purchase
    │   └── TaskTakenError          … a task: it belongs to another photo's call
    └── PermanentError              settle the job, or tell the person
        ├── NotAPhotoError          the source cannot be sent; carries the reason
        │   └── NeedsPreparingError … as it is; a copy of it can
        ├── SourceGoneError         the object or its version is no longer there
        ├── ObjectRefusedError      S3 does not copy one object; others may be copied
        ├── PictureError            a picture cannot be made of what is there
        ├── CopyGoneError           the copy that was prepared is no longer there: prepare another
        ├── FetchRefusedError       a result must not be fetched (address, scheme, size, redirect)
        ├── TaskUnknownError        the provider knows no such task
        ├── CallbackRefusedError    a callback's URL does not prove where it comes from
        ├── MessageError            a queue message is not one that we or S3 write
        ├── IllegalMoveError        a state may not be left that way: a defect of ours
        └── SettingsError           the environment is incomplete or wrong
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cutout.domain.states import Reason


class CutoutError(Exception):
    """The root: catch it at an edge, and only there."""


class TransientError(CutoutError):
    """Trying the same again later may work."""


class StoreBusyError(TransientError):
    """The jobs table throttled, or two transactions collided."""


class NotSentError(TransientError):
    """The request certainly never reached the server: name look-up, connect or TLS failed."""


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
    """S3 does not let the function read the object: a policy or a KMS key may be put right."""


class NewerRowError(CutoutError):
    """A row says what only a newer version of us understands: it was deployed, and taken back.

    Whoever reads the row leaves it alone; the queue delivers again, should that version come back.
    """


class LostRaceError(CutoutError):
    """A conditional write lost; that is normal, not a fault."""


class PermanentError(CutoutError):
    """Trying the same again cannot work."""


class NotAPhotoError(PermanentError):
    """The object is not a photo that the model takes.

    Attributes:
        reason: which of the reasons for `rejected`.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NeedsPreparingError(NotAPhotoError):
    """A photo that the model does not take as it is: a copy that it takes can be made of it.

    Where no copies are made, it is what its base says: not a photo that the model takes.

    Attributes:
        sha256: of the upload, where it was read.
    """

    sha256: str | None = None


class CopyGoneError(PermanentError):
    """The copy that was prepared of a photo is no longer there."""


class SourceGoneError(PermanentError):
    """The object, or this version of it, is no longer in the bucket."""


class ObjectRefusedError(PermanentError):
    """S3 refuses to copy one object (archived, encrypted, not allowed); others may be copied."""


class PictureError(PermanentError):
    """A picture cannot be decoded or made; the message says why, for a person."""


class FetchRefusedError(PermanentError):
    """A URL must not be fetched, or what it serves must not be taken."""


class TaskUnknownError(PermanentError):
    """The provider has no such task, or not yet."""


class CallbackRefusedError(PermanentError):
    """A callback is not authentic.

    Attributes:
        is_malformed: it does not even have the form of one of our URLs.
    """

    def __init__(self, message: str, *, is_malformed: bool) -> None:
        super().__init__(message)
        self.is_malformed = is_malformed


class MessageError(PermanentError):
    """A queue message is not one that we or S3 write; it goes to the dead letters."""


class IllegalMoveError(PermanentError):
    """A state may not be left in that way."""


class SettingsError(PermanentError):
    """A setting is missing or wrong; the message says which and what is expected."""
