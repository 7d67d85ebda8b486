"""What a move of a job changes at the gate: its slot, and the credits of its attempts.

Both follow from the job before and after the move, and are written with it in one transaction. So
nothing is charged, refunded or freed twice, however often a task is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from cutout.domain.gate.shards import ShardChange, holder
from cutout.domain.job.attempt import Attempt, charges
from cutout.domain.job.job import Job


def gate_changes(before: Job, after: Job) -> list[ShardChange]:
    """The changes, at most one for each shard."""
    held, holds = _in_flight(before), _in_flight(after)
    # By number: the same attempt holds one slot from its admission to its task's end.
    is_same = held is not None and holds is not None and held.number == holds.number
    freed = None if is_same else held
    taken = None if is_same else holds
    charged = _charged(before, after)
    shards = {attempt.shard for attempt in (freed, taken) if attempt is not None}
    return [
        ShardChange(
            shard=shard,
            takes=_holder(after, taken) if taken and taken.shard == shard else None,
            frees=_holder(before, freed) if freed and freed.shard == shard else None,
            charges={} if shard is None else charged.get(shard, {}),
        )
        for shard in sorted(shards | charged.keys(), key=str)
    ]


def _charged(before: Job, after: Job) -> dict[int, dict[date, Decimal]]:
    """The difference in credits between two versions of a job's attempts, by shard and day.

    Dropped attempts have cost nothing.
    """
    changed: dict[int, dict[date, Decimal]] = {}
    for sign, attempt in _versions(before, after):
        # An earlier version named no shard, so corrections of its charges go to the first one.
        days = changed.setdefault(attempt.shard or 0, {})
        for day, credits_ in charges(attempt):
            days[day] = days.get(day, Decimal(0)) + sign * credits_
    differences = {
        shard: {day: some for day, some in days.items() if some} for shard, days in changed.items()
    }
    return {shard: days for shard, days in differences.items() if days}


def _versions(before: Job, after: Job) -> Iterator[tuple[int, Attempt]]:
    for attempt in after.attempts:
        yield 1, attempt
        old = before.attempt_numbered(attempt.number)
        if old is not None:
            yield -1, old


def _in_flight(job: Job) -> Attempt | None:
    return job.attempt if job.state.holds_slot else None


def _holder(job: Job, attempt: Attempt) -> str:
    return holder(job.id, attempt.number, attempt.started_at)
