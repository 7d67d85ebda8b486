"""Which pictures were bought, and what is kept of them: one suite, the fakes and AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.adapters.dynamodb.dedup_records import DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.s3.cached_results import S3Kept
from cutout.domain.job.conflicts import DedupRecordMovedError
from cutout.domain.job.dedup_record import DedupRecord, Kept
from cutout.domain.object_keys import kept_key
from cutout.ports.buckets import KeptResults
from cutout.ports.jobs_table import DedupRecords
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER
from tests.support.fakes.dedup_records import MemoryDedupRecords, MemoryKept

PICTURE = f"{'ab' * 32}#mj-v7-remove-bg"
KEY = kept_key("ab" * 32, "mj-v7-remove-bg")
BEGUN = DedupRecord(picture=PICTURE, owner="a" * 32, expires_at=LATER)
KEPT = Kept(key=KEY, sha256="cd" * 32, job_id="a" * 32, task_id="task-1", credits=Decimal("5.4"))


@pytest.fixture
def ledger(account_or_fake: Account | None) -> Iterator[DedupRecords]:
    """Nothing was bought yet."""
    if account_or_fake is None:
        yield MemoryDedupRecords()
        return
    with account_or_fake() as clients:
        create_table(clients.dynamodb())
        yield DynamoDedupRecords(Table(clients.dynamodb(), TABLE))


@pytest.fixture
def kept(account_or_fake: Account | None) -> Iterator[KeptResults]:
    """An empty folder."""
    if account_or_fake is None:
        yield MemoryKept()
        return
    with account_or_fake() as clients:
        region = clients.s3().meta.region_name
        clients.s3().create_bucket(
            Bucket="work",
            CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
        )
        yield S3Kept(clients.s3(), "work")


def test_the_first_to_claim_a_picture_has_it(ledger: DedupRecords) -> None:
    """And is told so by getting back the very same; later ones get what stands."""
    late = replace(BEGUN, owner="b" * 32)
    assert ledger.find_dedup_record(PICTURE) is None
    assert ledger.claim_dedup_record(BEGUN) is BEGUN
    assert ledger.claim_dedup_record(late) == BEGUN
    assert ledger.claim_dedup_record(replace(BEGUN)) == BEGUN
    assert ledger.find_dedup_record(PICTURE) == BEGUN


def test_every_field_comes_back(ledger: DedupRecords) -> None:
    """What is kept, who waits, when it is forgotten; each write counts up."""
    standing = ledger.claim_dedup_record(BEGUN)
    wished = replace(
        standing,
        kept=replace(KEPT, is_doubted=True),
        waiting=("b" * 32, "c" * 32),
        expires_at=LATER + timedelta(days=9),
    )
    saved = ledger.save_dedup_record(wished)
    assert saved == replace(wished, version=1)
    assert ledger.find_dedup_record(PICTURE) == saved


def test_a_purchase_that_moved_is_not_written(ledger: DedupRecords) -> None:
    """The loser is told the winner."""
    standing = ledger.claim_dedup_record(BEGUN)
    winner = ledger.save_dedup_record(replace(standing, owner="b" * 32))
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.save_dedup_record(replace(standing, owner="c" * 32))
    assert lost.value.winner == winner
    assert ledger.find_dedup_record(PICTURE) == winner


def test_a_purchase_that_was_forgotten_is_not_written(ledger: DedupRecords) -> None:
    """It does not come back half."""
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.save_dedup_record(BEGUN)
    assert lost.value.winner is None
    assert ledger.find_dedup_record(PICTURE) is None


def test_purchases_expire(account: Account) -> None:
    """By the table's own means: DynamoDB deletes an item after the second `expires_at`."""
    with account() as clients:
        create_table(clients.dynamodb())
        table = Table(clients.dynamodb(), TABLE)
        DynamoDedupRecords(table).claim_dedup_record(BEGUN)
        item = table.get(f"picture#{PICTURE}")
    assert item is not None
    assert item["expires_at"] == int(LATER.timestamp())


def test_a_purchase_that_is_under_way_does_not_expire(account: Account) -> None:
    """Its item has nothing that DynamoDB would take for a time."""
    with account() as clients:
        create_table(clients.dynamodb())
        table = Table(clients.dynamodb(), TABLE)
        ledger = DynamoDedupRecords(table)
        ledger.claim_dedup_record(replace(BEGUN, expires_at=None))
        item, found = table.get(f"picture#{PICTURE}"), ledger.find_dedup_record(PICTURE)
    assert item is not None
    assert "expires_at" not in item
    assert found is not None
    assert found.expires_at is None


def file_of(folder: Path, data: bytes) -> Path:
    """A result's file."""
    file = folder / "result"
    file.write_bytes(data)
    return file


def test_what_is_kept_comes_back(kept: KeptResults, tmp_path: Path) -> None:
    """Byte for byte; what is not there is not."""
    data = bytes(range(256)) * 5000
    target = tmp_path / "back"
    assert not kept.fetch(KEY, target)
    assert kept.current(KEY) is None
    assert kept.put(KEY, file_of(tmp_path, data), replacing=None)
    assert kept.fetch(KEY, target)
    assert target.read_bytes() == data


def test_only_what_was_seen_is_replaced(kept: KeptResults, tmp_path: Path) -> None:
    """A result that somebody put there meanwhile stays."""
    assert not kept.put(KEY, file_of(tmp_path, b"0"), replacing='"seen before it was gone"')
    assert kept.put(KEY, file_of(tmp_path, b"1"), replacing=None)
    seen = kept.current(KEY)
    assert not kept.put(KEY, file_of(tmp_path, b"2"), replacing=None)
    assert kept.put(KEY, file_of(tmp_path, b"3"), replacing=seen)
    assert not kept.put(KEY, file_of(tmp_path, b"4"), replacing=seen)
    assert kept.fetch(KEY, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"3"


def test_only_what_was_seen_is_removed(kept: KeptResults, tmp_path: Path) -> None:
    """And what is gone cannot be removed once more."""
    kept.put(KEY, file_of(tmp_path, b"1"), replacing=None)
    seen = kept.current(KEY) or ""
    kept.put(KEY, file_of(tmp_path, b"2"), replacing=seen)
    assert not kept.remove(KEY, seen)
    now = kept.current(KEY) or ""
    assert kept.remove(KEY, now)
    assert kept.current(KEY) is None
    assert not kept.remove(KEY, now)
