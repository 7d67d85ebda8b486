"""The gate's shards: which attempts hold a slot, and what each day has cost.

A slot is held by the attempt's name, not counted: taking and freeing it twice has the same effect
as once. A day's credits are the sum over all shards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, date, datetime
from decimal import Decimal

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
class Place:
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


def holder(job_id: str, attempt: int, started_at: datetime) -> str:
    """The name under which an attempt holds its slot."""
    return f"{int(started_at.timestamp() * 1000)}.{job_id}.{attempt}"


def held_since(name: str) -> datetime:
    """When the attempt of a holder began."""
    return datetime.fromtimestamp(int(name.partition(".")[0]) / 1000, UTC)


def shares(limit: int, used: Sequence[int], count: int, *, outside: int) -> list[int]:
    """How much of a limit each of the first `count` shards may use.

    The shares, and what further shards and others `outside` use, add up to the limit at most. A
    shard that uses more than its part, since the limit was lowered, keeps what it uses; it gets
    nothing, and the others less. One that holds a refund of credits that are counted elsewhere uses
    less than nothing.
    """
    rest = limit - outside - sum(used[count:])
    within = list(range(count))
    while True:
        parts = dict(zip(within, _divided(rest, len(within)), strict=True))
        over = [number for number in within if used[number] > parts[number]]
        if not over:
            return [parts.get(number, min(0, used[number])) for number in range(count)]
        rest -= sum(used[number] for number in over)
        within = [number for number in within if number not in over]


def _divided(whole: int, parts: int) -> list[int]:
    return [whole // parts + (number < whole % parts) for number in range(parts)]
