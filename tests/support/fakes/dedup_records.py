from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from cutout.domain.job.result import DedupRecord, Kept
from cutout.ports.jobs_table import DedupRecordMovedError
from tests.support.fakes.steps import Step, no_step


@dataclass
class MemoryDedupRecords:
    """Deduplication records, written only over what was read."""

    step: Step = no_step
    items: dict[str, DedupRecord] = field(default_factory=dict)

    def find_dedup_record(self, picture: str) -> DedupRecord | None:
        self.step("purchases.find")
        return self.items.get(picture)

    def check(self, record: DedupRecord) -> None:
        """Refuse a record that was changed by another write."""
        current = self.items.get(record.picture)
        if (current.version if current else -1) != record.version:
            raise DedupRecordMovedError(current)

    def save_dedup_record(self, purchase: DedupRecord) -> DedupRecord:
        self.step("purchases.save")
        saved = self.write(purchase)
        self.step("purchases.save done")
        return saved

    def write(self, record: DedupRecord) -> DedupRecord:
        """Write the record over the version that was read."""
        self.check(record)
        self.items[record.picture] = replace(record, version=record.version + 1)
        return self.items[record.picture]

    def cache_result(
        self, picture: str, owner: str, kept: Kept, expires_at: datetime
    ) -> DedupRecord:
        self.step("purchases.cache")
        current = self.items.get(picture)
        if current is None or current.owner != owner:
            raise DedupRecordMovedError(current)
        self.items[picture] = replace(
            current, kept=kept, expires_at=expires_at, version=current.version + 1
        )
        self.step("purchases.cache done")
        return current

    def forget(self, now: datetime) -> None:
        """Delete records whose time is over, as the table does by itself."""
        self.items = {
            picture: item
            for picture, item in self.items.items()
            if item.expires_at is None or item.expires_at > now
        }
