"""Deduplication records, as items of the jobs table."""

from __future__ import annotations

from datetime import datetime

from cutout.adapters.dynamodb.gate_and_claim_items import dedup_put, dedup_record_in, write
from cutout.adapters.dynamodb.item_table import Table, Update
from cutout.domain.job.dedup_record import DedupRecord, Kept
from cutout.domain.serialization import to_row


class DynamoDedupRecords:
    """One record for each picture; a write names the version that it read."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find_dedup_record(self, picture: str) -> DedupRecord | None:
        """The picture's record (strongly consistent)."""
        item = self._table.get(f"picture#{picture}")
        return None if item is None else dedup_record_in(item)

    def save_dedup_record(self, record: DedupRecord) -> DedupRecord:
        """Write the record if it has not been written since it was read."""
        put = dedup_put(record)
        write(self._table, put)
        return dedup_record_in(put.item)

    def cache_result(
        self, picture: str, owner: str, kept: Kept, expires_at: datetime
    ) -> DedupRecord:
        """Record a cached result if the record has this owner; returns the record before."""
        update = Update(
            pk=f"picture#{picture}",
            expression="SET purchase.kept = :kept, purchase.#waiting = :nobody, expires_at = :at, "
            "purchase.expires_at = :time, #version = #version + :one, "
            "purchase.#version = #version + :one",
            condition="purchase.buyer = :owner",
            values={
                ":kept": to_row(kept),
                ":nobody": [],
                ":at": int(expires_at.timestamp()),
                ":time": expires_at.isoformat(),
                ":one": 1,
                ":owner": owner,
            },
        )
        return dedup_record_in(write(self._table, update))
