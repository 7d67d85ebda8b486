"""Deduplication records and cached results: one suite for the fakes and AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.s3.work_bucket import S3Kept
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.object_keys import kept_key
from cutout.ports.buckets import KeptResults
from cutout.ports.jobs_table import DedupRecordMovedError, DedupRecords
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
    """An empty table."""
    if account_or_fake is None:
        yield MemoryDedupRecords()
        return
    with account_or_fake() as clients:
        create_table(clients.dynamodb)
        yield DynamoDedupRecords(Table(clients.dynamodb, TABLE))


@pytest.fixture
def kept(account_or_fake: Account | None) -> Iterator[KeptResults]:
    """An empty folder."""
    if account_or_fake is None:
        yield MemoryKept()
        return
    with account_or_fake() as clients:
        region = clients.s3.meta.region_name
        clients.s3.create_bucket(
            Bucket="work",
            CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
        )
        yield S3Kept(clients.s3, "work")


def test_a_record_is_written_once_as_a_new_one(ledger: DedupRecords) -> None:
    """The second writer gets the stored record, whatever it wrote itself."""
    late = replace(BEGUN, owner="b" * 32)
    assert ledger.find_dedup_record(PICTURE) is None
    saved = ledger.save_dedup_record(BEGUN)
    assert saved == replace(BEGUN, version=0)
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.save_dedup_record(late)
    assert lost.value.winner == saved
    assert ledger.find_dedup_record(PICTURE) == saved


def test_every_field_comes_back(ledger: DedupRecords) -> None:
    """The cached result, the waiting jobs, when it expires; each write counts up."""
    changed = replace(
        ledger.save_dedup_record(BEGUN),
        kept=replace(KEPT, is_doubted=True, is_of_copy=True, is_accepted=True),
        waiting=("b" * 32, "c" * 32),
        expires_at=LATER + timedelta(days=9),
    )
    saved = ledger.save_dedup_record(changed)
    assert saved == replace(changed, version=1)
    assert ledger.find_dedup_record(PICTURE) == saved


def test_a_record_that_moved_is_not_written(ledger: DedupRecords) -> None:
    """The loser gets the winner."""
    read = ledger.save_dedup_record(BEGUN)
    winner = ledger.save_dedup_record(replace(read, owner="b" * 32))
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.save_dedup_record(replace(read, owner="c" * 32))
    assert lost.value.winner == winner
    assert ledger.find_dedup_record(PICTURE) == winner


def test_a_record_that_expired_is_not_written(ledger: DedupRecords) -> None:
    """It does not come back half."""
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.save_dedup_record(replace(BEGUN, version=0))
    assert lost.value.winner is None
    assert ledger.find_dedup_record(PICTURE) is None


def test_a_result_is_cached_without_a_read(ledger: DedupRecords) -> None:
    """By the record's owner. It gets the record as it was, whose waiting jobs it enqueues."""
    waited_for = replace(BEGUN, waiting=("b" * 32,), expires_at=None)
    before = ledger.save_dedup_record(waited_for)
    assert ledger.cache_result(PICTURE, BEGUN.owner, KEPT, LATER) == before
    cached = replace(before, kept=KEPT, waiting=(), expires_at=LATER, version=1)
    assert ledger.find_dedup_record(PICTURE) == cached
    assert ledger.cache_result(PICTURE, BEGUN.owner, KEPT, LATER) == cached
    with pytest.raises(DedupRecordMovedError):
        ledger.save_dedup_record(replace(cached, waiting=("c" * 32,)))


@pytest.mark.parametrize("is_there", [True, False])
def test_a_result_of_another_job_is_not_cached(ledger: DedupRecords, *, is_there: bool) -> None:
    """Another job owns the record by now, or it has expired: the error says which."""
    winner = ledger.save_dedup_record(BEGUN) if is_there else None
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.cache_result(PICTURE, "b" * 32, KEPT, LATER)
    assert lost.value.winner == winner
    assert ledger.find_dedup_record(PICTURE) == winner


def test_records_expire(account: Account) -> None:
    """By the table's own means: DynamoDB deletes an item after the second `expires_at`.

    A record whose owner has not ended has no such attribute.
    """
    later = LATER + timedelta(days=1)
    with account() as clients:
        create_table(clients.dynamodb)
        table = Table(clients.dynamodb, TABLE)
        ledger = DynamoDedupRecords(table)
        saved = ledger.save_dedup_record(BEGUN)
        ended = table.get(f"picture#{PICTURE}")
        ledger.save_dedup_record(replace(saved, expires_at=None))
        begun = table.get(f"picture#{PICTURE}")
        found = ledger.find_dedup_record(PICTURE)
        ledger.cache_result(PICTURE, BEGUN.owner, KEPT, later)
        cached = table.get(f"picture#{PICTURE}")
    assert ended is not None
    assert ended["expires_at"] == int(LATER.timestamp())
    assert begun is not None
    assert "expires_at" not in begun
    assert found is not None
    assert found.expires_at is None
    assert cached is not None
    assert cached["expires_at"] == int(later.timestamp())


def file_of(folder: Path, data: bytes) -> Path:
    """A result's file."""
    file = folder / "result"
    file.write_bytes(data)
    return file


def test_what_is_kept_comes_back(kept: KeptResults, tmp_path: Path) -> None:
    """Byte for byte; a missing result is reported as missing."""
    data = bytes(range(256)) * 5000
    target = tmp_path / "back"
    assert not kept.fetch(KEY, target)
    assert kept.current(KEY) is None
    assert kept.put(KEY, file_of(tmp_path, data), replacing=None)
    assert kept.fetch(KEY, target)
    assert target.read_bytes() == data


def test_only_what_was_seen_is_replaced(kept: KeptResults, tmp_path: Path) -> None:
    """A result that another worker has put there meanwhile stays."""
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
