"""One paid call, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict, Unpack

from cutout.domain.states import AttemptOutcome


class AttemptChanges(TypedDict, total=False):
    """Fields of an attempt that may change together with its outcome."""

    code: str | None
    credits_used: Decimal | None
    is_asked_again: bool
    message: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One paid call, recorded before it is made.

    Attributes:
        number: from 1; the callback URL names it.
        body: the exact JSON text POSTed, in rows of earlier versions; see `CallBody`.
        posts: how often the body was sent.
        day: the UTC day whose sum at the gate holds its credits, if that is not its start's.
        repeat_day: the day whose sum holds the credits that its repeat may have taken.
        file_id: the copy in the provider's file store, until it is deleted.
        credits_reserved: what the provider said it reserved, or our estimate until it did.
        is_replayed: the provider answered a repeat with the first call's task.
        is_adopted: the task is known from the body of a callback, not from the call's answer.
        named_task: what a callback's body named while the API could not confirm it.
        not_found_since: since when the API has answered that it knows no such task.
        is_asked_again: a person's retry has asked for its result, and the API has answered.
        is_taken: a callback came to its URL, which only the call holds: it was taken, and is never
            made again, whether or not that callback named the task.
    """

    number: int
    idempotency_key: str
    started_at: datetime
    body: str | None = None
    posts: int = 1
    day: date | None = None
    repeat_day: date | None = None
    file_id: str | None = None
    outcome: AttemptOutcome = AttemptOutcome.OPEN
    task_id: str | None = None
    credits_reserved: Decimal | None = None
    credits_used: Decimal | None = None
    code: str | None = None
    message: str | None = None
    is_replayed: bool = False
    is_adopted: bool = False
    named_task: str | None = None
    not_found_since: datetime | None = None
    is_asked_again: bool = False
    is_taken: bool = False

    @property
    def is_possible_double_charge(self) -> bool:
        """The body was sent more than once, and the provider did not say that it knew it."""
        return self.posts > 1 and not self.is_replayed

    @property
    def is_open(self) -> bool:
        """Its outcome may still change."""
        return self.outcome in _OPEN_OUTCOMES

    def ended(self, outcome: AttemptOutcome, **changes: Unpack[AttemptChanges]) -> Attempt:
        """The attempt with its final outcome."""
        return replace(self, outcome=outcome, body=None, **changes)

    def without_task(self) -> Attempt:
        """The attempt after its task proved to be another call's: what became of it is unknown."""
        return replace(
            self,
            outcome=AttemptOutcome.UNKNOWN,
            task_id=None,
            named_task=None,
            is_adopted=False,
        )


_OPEN_OUTCOMES = frozenset(
    {AttemptOutcome.OPEN, AttemptOutcome.UNKNOWN, AttemptOutcome.ACCEPTED},
)


def charged(attempt: Attempt) -> Decimal:
    """Credits that an attempt is known or must be assumed to have cost."""
    if attempt.credits_used is not None:
        return attempt.credits_used
    if attempt.outcome in {AttemptOutcome.NOT_SENT, AttemptOutcome.REFUSED, AttemptOutcome.FAILED}:
        return Decimal(0)
    return attempt.credits_reserved or Decimal(0)


def newly_spent(before: Sequence[Attempt], after: Sequence[Attempt]) -> dict[date, Decimal]:
    """By how much the credits of each day differ between two versions of a job's attempts.

    An attempt that was forgotten cost nothing.
    """
    known = {attempt.number: attempt for attempt in before}
    changed: dict[date, Decimal] = {}
    for attempt in after:
        old = known.get(attempt.number)
        for sign, version in ((1, attempt), (-1, old)):
            for day, credits_ in _counted(version) if version else ():
                changed[day] = changed.get(day, Decimal(0)) + sign * credits_
    return changed


def _counted(attempt: Attempt) -> Sequence[tuple[date, Decimal]]:
    """What an attempt takes of the daily cap, by day: a repeat counts until it proves free."""
    first = (attempt.day or attempt.started_at.date(), charged(attempt))
    if attempt.repeat_day is None or not attempt.is_possible_double_charge:
        return (first,)
    return (first, (attempt.repeat_day, attempt.credits_reserved or Decimal(0)))
