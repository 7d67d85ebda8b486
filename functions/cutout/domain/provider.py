"""What the provider says, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The call was taken: a task exists and credits are reserved.

    Attributes:
        is_replay: the provider answered with the task of an earlier call of the same key.
    """

    task_id: str
    credits_reserved: Decimal | None
    is_replay: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The call was refused; nothing is paid."""

    status: int
    code: str
    message: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NotSent:
    """The call never left; nothing is paid."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeUnknown:
    """The call may have been taken and charged."""

    message: str


CreateOutcome = Accepted | Refused | NotSent | OutcomeUnknown


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """A copy of a photo at the provider's Files API. `url` is public to whoever knows it."""

    file_id: str
    url: str


def words(text: object) -> str | None:
    """A provider's message as it may be kept and announced: short, and without links.

    Messages quote the photo's URL, which lets whoever reads it read the photo.
    """
    if not text:
        return None
    # Half of a surrogate pair, which JSON can name, is no letter that a row or a log can hold.
    whole = str(text).encode(errors="replace").decode()
    return _LINK.sub("[link]", whole)[:_LONGEST_MESSAGE]


_LINK = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_LONGEST_MESSAGE = 500


class TaskStatus(StrEnum):
    """How far a task is. A status we do not know counts as running."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task as the provider's own read shows it.

    Attributes:
        result_url: where the cut-out can be fetched, if it is completed and says so.
        credits_used: None if the provider does not say.
    """

    id: str
    status: TaskStatus
    result_url: str | None = None
    credits_used: Decimal | None = None
    code: str | None = None
    message: str | None = None
