"""One paid call, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from cutout.domain.dataclass import dataclass
from cutout.domain.states import AttemptOutcome, Transport

if TYPE_CHECKING:
    from cutout.domain.provider_outcomes import Accepted

TAKEN_UNNAMED = "a callback shows that the call was taken, but not which task it made"
"""The message of an attempt and its job while only a callback without a task's id is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One paid call, recorded before it is made.

    Attributes:
        number: from 1; the callback URL contains it.
        model: the provider's model that the call names; None in jobs of earlier versions, which the
            setting tells.
        posts: how often the call was made.
        day: the UTC day to which an earlier version counted its credits, if not that of its start.
        body_name: what names its text among those of the job, while it may be repeated; None in
            jobs of earlier versions, whose texts are named by the attempt's number.
        shard: the shard of the gate where it holds a slot and is charged; None if an earlier
            version admitted it.
        is_probe: it is the one call that is made after a pause has ended.
        repeat_day: the UTC day to which the credits count that its repeat may have cost.
        file_id: the photo in the provider's file store, until it is deleted.
        credits_reserved: reported by the provider, or our estimate.
        is_replayed: the provider answered the repeat with the first call's task.
        is_adopted: the task is known from a callback's body, not from the call's own outcome.
        named_task: the id in a callback's body of which no read was final yet. With a `task_id`, it
            is read again when that task ends without a result.
        not_found_since: since when the API answers that the task is unknown: `task_id`, or
            `named_task` without one.
        is_asked_again: a retry has rechecked the attempt, and the API answered.
        is_taken: a callback came to its URL, which only the call contains: the provider took the
            call, so it is never repeated.
    """

    number: int
    idempotency_key: str
    started_at: datetime
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
    body_name: str | None = None
    shard: int | None = None
    is_probe: bool = False
    model: str | None = None

    @property
    def is_possible_double_charge(self) -> bool:
        """Whether the call was repeated and the provider did not report a replay."""
        return self.posts > 1 and not self.is_replayed

    @property
    def transport(self) -> Transport:
        """How the provider got the photo."""
        return Transport.FILES if self.file_id else Transport.PRESIGNED

    @property
    def is_open(self) -> bool:
        """Whether its outcome may still change: that of a failed call if it has an unread task."""
        is_failed = self.outcome is AttemptOutcome.FAILED
        return self.outcome in _OPEN_OUTCOMES or (is_failed and self.named_task is not None)

    def may_have(self, task_id: str | None) -> bool:
        """Whether a callback may name this task, which the attempt does not track.

        A call that was made once has one task, and its own answer proves which. A call that was
        made twice may have two, even after one of them has failed.
        """
        if task_id is None or task_id == self.task_id:
            return False
        if self.is_possible_double_charge:
            return self.is_open or self.outcome is AttemptOutcome.FAILED
        return self.is_open and (self.task_id is None or self.is_adopted)

    def accepted(self, answer: Accepted) -> Attempt:
        """The attempt with the task of the call's own answer, and another that it may have."""
        taken = replace(
            self,
            body_name=None,
            outcome=AttemptOutcome.ACCEPTED,
            task_id=answer.task_id,
            credits_reserved=answer.credits_reserved or self.credits_reserved,
            is_replayed=answer.is_replay,
            is_adopted=False,
            not_found_since=None,
        )
        # A call that was made once has one task.
        has_two = taken.is_possible_double_charge and self.named_task != answer.task_id
        return taken if has_two else replace(taken, named_task=None)

    def naming(self, task_id: str) -> Attempt:
        """The attempt after a callback named this task; a retry reads it before it pays again."""
        known = None if self.outcome is AttemptOutcome.FAILED else self.task_id
        since = self.not_found_since if known else None
        return replace(
            self,
            task_id=known,
            named_task=task_id,
            not_found_since=since,
            is_asked_again=False,
        )

    def other_than(self, task_id: str) -> Attempt | None:
        """The attempt with its other task, as this one has no result; None without another."""
        if not {self.task_id, self.named_task} - {None, task_id}:
            return None
        if self.task_id != task_id:
            return replace(self, named_task=None) if self.named_task == task_id else self
        return replace(
            self,
            task_id=self.named_task,
            is_adopted=True,
            named_task=None,
            not_found_since=None,
            is_asked_again=False,
        )

    def with_tasks_swapped(self) -> Attempt:
        """The attempt that tracks its named task; the one that it tracked is read after that."""
        return replace(
            self,
            task_id=self.named_task,
            named_task=self.task_id,
            is_adopted=True,
            not_found_since=None,
        )

    def ended(self, outcome: AttemptOutcome) -> Attempt:
        """The attempt with its final outcome."""
        return replace(self, outcome=outcome, body_name=None)

    def without_result(self) -> Attempt:
        """The attempt with an unknown outcome, unless the task of its own answer has failed."""
        if self.outcome is AttemptOutcome.FAILED:
            return self
        # Not refused: the call was made, and its own task may still be running.
        return replace(self, outcome=AttemptOutcome.UNKNOWN)

    def without_task(self) -> Attempt:
        """The attempt if its task is another call's, or may be."""
        return replace(self.without_result(), task_id=None, named_task=None, is_adopted=False)


_OPEN_OUTCOMES = frozenset({AttemptOutcome.OPEN, AttemptOutcome.UNKNOWN, AttemptOutcome.ACCEPTED})


def charged(attempt: Attempt) -> Decimal:
    """Credits that an attempt has cost, or must be assumed to have cost."""
    if attempt.credits_used is not None:
        return attempt.credits_used
    # Unknown outcomes count: the cap must hold even if all of them were charged.
    if attempt.outcome in {AttemptOutcome.NOT_SENT, AttemptOutcome.REFUSED, AttemptOutcome.FAILED}:
        return Decimal(0)
    return attempt.credits_reserved or Decimal(0)


def charges(attempt: Attempt) -> Sequence[tuple[date, Decimal]]:
    """An attempt's credits by day; a repeat counts until the provider reports a replay."""
    first = (attempt.day or attempt.started_at.date(), charged(attempt))
    if attempt.repeat_day is None or not attempt.is_possible_double_charge:
        return (first,)
    # The provider may have charged both calls, each on its own day.
    return (first, (attempt.repeat_day, attempt.credits_reserved or Decimal(0)))
