"""Lists of many jobs, for operators: the functions process one photo at a time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.job_item import (
    LATEST,
    MOVING,
    job_id_in,
    job_in,
    milliseconds,
    stored_items,
    time_at,
)
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion
from cutout.domain.serialization import from_row
from cutout.domain.states import SETTLED, State
from cutout.ports.listings import StateEntry


class DynamoJobIndex:
    """The jobs by the index of their states, and many of them at a time.

    `has_earlier`: the table may have moving jobs that this version has not written yet.
    """

    def __init__(self, table: Table, *, has_earlier: bool = True) -> None:
        self._table = table
        self._partitions = [MOVING]
        if has_earlier:
            # Earlier versions listed them by their states.
            self._partitions += [state.value for state in State if state not in SETTLED]

    def moved(
        self, state: State, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StateEntry]:
        """Jobs that ended in a state, the last ones first, within both times."""
        return self._listed(state.value, since, until)

    def moving(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StateEntry]:
        """Jobs that have not ended, the last ones that began first, within both times."""
        streams = [self._listed(partition, since, until) for partition in self._partitions]
        return heapq.merge(*streams, key=lambda entry: entry.at, reverse=True)

    def find_all(self, job_ids: Sequence[str]) -> list[Job]:
        """Those of these jobs that exist, in this order."""
        return list(map(job_in, stored_items(self._table, job_ids)))

    def newest_all(self, source_refs: Sequence[str]) -> dict[str, LatestVersion]:
        """The latest known version of each of these keys, by its name."""
        pks = [f"head#{ref}" for ref in dict.fromkeys(source_refs)]
        items = self._table.get_all(pks).values()
        heads = (from_row(LatestVersion, item["newest"]) for item in items)
        return {head.source_ref: head for head in heads}

    def _listed(
        self, partition: str, since: datetime | None, until: datetime | None
    ) -> Iterator[StateEntry]:
        least = milliseconds(since) if since else 0
        greatest = milliseconds(until) if until else LATEST
        entries = self._table.entries(
            "state", partition, between=(least, greatest), is_newest_first=True
        )
        for pk, number in entries:
            yield StateEntry(job_id=job_id_in(pk), at=time_at(number))
