"""The gate's pauses, and its shards: which attempts hold a slot, and what each day has cost.

A slot is held by the attempt's name, not counted: taking and freeing it twice has the same effect
as once. A day's credits are the sum over all shards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One shard as stored.

    Attributes:
        holders: the attempts that hold a slot, by their `holder` names.
        spent: credits reserved or used, by the UTC day to which they count.
    """

    holders: frozenset[str] = frozenset()
    spent: Mapping[date, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeSlot:
    """A free slot: the shard, and what must still be true of it when it is taken.

    Attributes:
        most_holders: so many slots of the shard may be held already.
        most_spent: so many credits may have been spent there on that day.
    """

    shard: int
    most_holders: int
    most_spent: Decimal
    day: date


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardChange:
    """What a write of a job changes in one shard.

    Attributes:
        shard: its number; None means the count that an earlier version kept.
        takes: the holder that takes a slot.
        frees: the holder whose slot becomes free.
        charges: credits to add, by day.
    """

    shard: int | None
    takes: str | None = None
    frees: str | None = None
    charges: Mapping[date, Decimal] = field(default_factory=dict)


class PauseReason(StrEnum):
    """Why the gate is paused."""

    OUT_OF_CREDITS = "out-of-credits"
    """The account is empty; one photo is tried when the pause is over."""
    KEY_REFUSED = "key-refused"
    """The provider refuses the API key; a person must fix it and resume."""
    RATE_LIMITED = "rate-limited"
    """Too many calls, or no capacity at the provider."""
    OPERATOR = "operator"
    """A person paused it."""
    NEWER_VERSION = "newer-version"
    """What earlier versions see, so that they admit nothing while both run."""

    @classmethod
    def _missing_(cls, value: object) -> PauseReason:
        """A reason that a newer version stored; it pauses the gate like any other."""
        word = str(value)
        reason = str.__new__(cls, word)
        reason._name_ = reason._value_ = word
        return reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A pause of the gate. `until` None means until a person resumes."""

    reason: PauseReason
    since: datetime
    until: datetime | None
