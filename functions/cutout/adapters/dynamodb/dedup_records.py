"""Deduplication records, as items of the jobs table."""

from __future__ import annotations

from dataclasses import replace

from cutout.adapters.dynamodb.item_table import Item, LostError, Put, Table
from cutout.domain.job.conflicts import DedupRecordMovedError
from cutout.domain.job.dedup_record import DedupRecord
from cutout.domain.job.stored_limits import bounded
from cutout.domain.serialization import from_row, to_row


class DynamoDedupRecords:
    """One record for each picture; a write names the version that it read."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim_dedup_record(self, record: DedupRecord) -> DedupRecord:
        """Insert the record and return it, or return the record that the picture has."""
        try:
            self._table.put(Put(item=_item(record), condition="attribute_not_exists(pk)"))
        except LostError as lost:
            return record if lost.old is None else _record_in(lost.old)
        return record

    def find_dedup_record(self, picture: str) -> DedupRecord | None:
        """The picture's record (strongly consistent)."""
        item = self._table.get(f"picture#{picture}")
        return None if item is None else _record_in(item)

    def save_dedup_record(self, record: DedupRecord) -> DedupRecord:
        """Write the record if it has not been written since it was read."""
        saved = bounded(replace(record, version=record.version + 1))
        put = Put(
            item=_item(saved),
            condition="#version = :version",
            values={":version": record.version},
        )
        try:
            self._table.put(put)
        except LostError as lost:
            raise DedupRecordMovedError(_record_in(lost.old) if lost.old else None) from lost
        return saved


def _item(record: DedupRecord) -> Item:
    item: Item = {
        "pk": f"picture#{record.picture}",
        "version": record.version,
        "purchase": to_row(record),
    }
    if record.expires_at is not None:
        item["expires_at"] = int(record.expires_at.timestamp())
    return item


def _record_in(item: Item) -> DedupRecord:
    return from_row(DedupRecord, item["purchase"])
