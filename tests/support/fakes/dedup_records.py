from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from cutout.domain.job.conflicts import DedupRecordMovedError
from cutout.domain.job.dedup_record import DedupRecord
from tests.support.fakes.steps import Step, no_step


@dataclass
class MemoryDedupRecords:
    """Pictures' items, written only over what was read."""

    step: Step = no_step
    items: dict[str, DedupRecord] = field(default_factory=dict)

    def claim_dedup_record(self, purchase: DedupRecord) -> DedupRecord:
        self.step("purchases.claim")
        current = self.items.setdefault(purchase.picture, purchase)
        self.step("purchases.claim done")
        return current

    def find_dedup_record(self, picture: str) -> DedupRecord | None:
        self.step("purchases.find")
        return self.items.get(picture)

    def save_dedup_record(self, purchase: DedupRecord) -> DedupRecord:
        self.step("purchases.save")
        current = self.items.get(purchase.picture)
        if current is None or current.version != purchase.version:
            raise DedupRecordMovedError(current)
        saved = replace(purchase, version=purchase.version + 1)
        self.items[purchase.picture] = saved
        self.step("purchases.save done")
        return saved

    def forget(self, now: datetime) -> None:
        """What the table does by itself with items whose time is over."""
        self.items = {
            picture: item
            for picture, item in self.items.items()
            if item.expires_at is None or item.expires_at > now
        }


@dataclass
class MemoryKept:
    """A folder with conditional writes; every write gives another entity tag."""

    step: Step = no_step
    objects: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    writes: int = 0

    def current(self, key: str) -> str | None:
        self.step("kept.current")
        return self.etags.get(key)

    def put(self, key: str, file: Path, *, replacing: str | None) -> bool:
        self.step("kept.put")
        if self.etags.get(key) != replacing:
            return False
        self.writes += 1
        self.objects[key] = file.read_bytes()
        self.etags[key] = f"etag-{self.writes}"
        self.step("kept.put done")
        return True

    def fetch(self, key: str, file: Path) -> bool:
        self.step("kept.fetch")
        if key not in self.objects:
            return False
        file.write_bytes(self.objects[key])
        return True

    def remove(self, key: str, current: str) -> bool:
        self.step("kept.remove")
        if self.etags.get(key) != current:
            return False
        self.lose(key)
        self.step("kept.remove done")
        return True

    def lose(self, key: str) -> None:
        """As if its lifecycle, or a person, had deleted it."""
        self.objects.pop(key, None)
        self.etags.pop(key, None)
