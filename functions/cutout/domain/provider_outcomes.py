"""How a provider's calls and tasks end, in no provider's words.

An adapter translates its provider's statuses and codes into these values. The raw code and message
travel with them for people: they are kept on the job, and nothing is decided by them.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a provider promises about its tasks.

    Attributes:
        results_last: how long after the end of a task its result can be downloaded.
        task_visibility_delay: how long the API may not know a task; one that stays unknown for so
            long is lost.
        final_codes: codes that refuse what the photo shows: a new call ends the same, and may be
            charged.
        usual_price: credits that a photo is expected to cost until a call has named the price.
        cents_a_credit: US cents, by the provider's price list.
        price_list: the date of that list.
    """

    results_last: timedelta
    task_visibility_delay: timedelta
    usual_price: Decimal
    cents_a_credit: Decimal
    price_list: date
    final_codes: frozenset[str] = frozenset()


class Cause(StrEnum):
    """Why a call was refused or a task failed."""

    OUT_OF_CREDITS = "out-of-credits"
    """The account is empty."""
    KEY_REFUSED = "key-refused"
    """The API key is missing, wrong or not allowed."""
    RATE_LIMITED = "rate-limited"
    """Too many calls, or no capacity now; the photo is not at fault."""
    CALL_UNDECIDED = "call-undecided"
    """An earlier call with the same idempotency key may have been taken."""
    PHOTO_NOT_FETCHED = "photo-not-fetched"
    """The provider could not read the photo by its link."""
    OTHER = "other"
    """The photo itself was refused, or the cause is unknown: the same call would fail again."""


API_KEY_NOT_SET = "not-set"
"""What the stack puts into the secret of the API key; a person replaces it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The call was taken: a task exists and credits are reserved.

    Attributes:
        is_replay: the provider answered with the task of an earlier call with the same key.
        is_completed: the result can be read at once; no callback will come.
    """

    task_id: str
    credits_reserved: Decimal | None
    is_replay: bool = False
    is_completed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The call was refused; nothing is paid.

    Attributes:
        cause_of_copy: with `PHOTO_NOT_FETCHED`, the cause if the photo was handed over as a copy.
    """

    cause: Cause
    code: str
    message: str
    retry_after_seconds: float | None = None
    cause_of_copy: Cause = Cause.OTHER


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
class PhotoAccess:
    """Access to a photo for the provider: a link, or a copy of the photo in its file store.

    Attributes:
        file_id: of the copy; empty for a link.
        url: reads the photo, without credentials.
    """

    file_id: str
    url: str


def words(text: object) -> str | None:
    """A provider's message in a form that may be stored and announced: short, and without links.

    Some messages contain the photo's URL, which reads the photo without credentials.
    """
    if not text:
        return None
    # JSON can hold half of a surrogate pair, which neither a row nor a log line can.
    whole = str(text).encode(errors="replace").decode()
    return _LINK.sub("[link]", whole)[:_MAX_MESSAGE]


_LINK = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_MAX_MESSAGE = 500


class TaskStatus(StrEnum):
    """How far a task is. An unknown status counts as running."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """How soon, and how often at most, a new call may succeed where a task has failed."""

    delay: timedelta
    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task, as the provider's API returns it.

    Attributes:
        result_url: where the cut-out can be fetched, once the task is completed.
        credits_used: None if the provider does not say.
        cause: why it failed.
        retry: None if a new call would fail again.
    """

    id: str
    status: TaskStatus
    result_url: str | None = None
    credits_used: Decimal | None = None
    cause: Cause = Cause.OTHER
    retry: Retry | None = None
    code: str | None = None
    message: str | None = None
