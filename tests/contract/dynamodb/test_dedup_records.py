"""Deduplication records and cached results: the same tests for the fakes and AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.job.result import DedupRecord, Kept
from cutout.ports.jobs_table import DedupRecordMovedError, DedupRecords
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER
from tests.support.fakes.dedup_records import MemoryDedupRecords

PICTURE = f"{'ab' * 32}#mj-v7-remove-bg"
BEGUN = DedupRecord(picture=PICTURE, owner="a" * 32, expires_at=LATER)
KEPT = Kept(key="kept", sha256="cd" * 32, job_id="a" * 32, task_id="task-1", credits=Decimal("5.4"))


@pytest.fixture
def ledger(account_or_fake: Account | None) -> Iterator[DedupRecords]:
    """An empty table of deduplication records."""
    if account_or_fake is None:
        yield MemoryDedupRecords()
        return
    with account_or_fake() as clients:
        create_table(clients.dynamodb)
        yield DynamoDedupRecords(Table(clients.dynamodb, TABLE))


def test_deduplication_record_is_created_once(ledger: DedupRecords) -> None:
    """The second writer gets the stored record in its error."""
    late = replace(BEGUN, owner="b" * 32)
    assert ledger.find_dedup_record(PICTURE) is None
    saved = ledger.save_dedup_record(BEGUN)
    assert saved == replace(BEGUN, version=0)
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.save_dedup_record(late)
    assert lost.value.winner == saved
    assert ledger.find_dedup_record(PICTURE) == saved


def test_every_field_of_a_record_is_read_as_it_was_written(ledger: DedupRecords) -> None:
    """The cached result, the waiting jobs, when it expires; each write increments the version."""
    changed = replace(
        ledger.save_dedup_record(BEGUN),
        kept=replace(KEPT, is_doubted=True, is_of_copy=True, is_accepted=True),
        waiting=("b" * 32, "c" * 32),
        expires_at=LATER + timedelta(days=9),
    )
    saved = ledger.save_dedup_record(changed)
    assert saved == replace(changed, version=1)
    assert ledger.find_dedup_record(PICTURE) == saved


def test_record_is_not_written_over_a_newer_one(ledger: DedupRecords) -> None:
    """The error carries the stored record."""
    read = ledger.save_dedup_record(BEGUN)
    winner = ledger.save_dedup_record(replace(read, owner="b" * 32))
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.save_dedup_record(replace(read, owner="c" * 32))
    assert lost.value.winner == winner
    assert ledger.find_dedup_record(PICTURE) == winner


def test_expired_record_is_not_written(ledger: DedupRecords) -> None:
    """A deleted record is not created again with half of its fields."""
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.save_dedup_record(replace(BEGUN, version=0))
    assert lost.value.winner is None
    assert ledger.find_dedup_record(PICTURE) is None


def test_result_is_cached_without_reading_the_record(ledger: DedupRecords) -> None:
    """The record's owner does so, and gets the record as it was, to enqueue the jobs in it."""
    waited_for = replace(BEGUN, waiting=("b" * 32,), expires_at=None)
    before = ledger.save_dedup_record(waited_for)
    assert ledger.cache_result(PICTURE, BEGUN.owner, KEPT, LATER) == before
    cached = replace(before, kept=KEPT, expires_at=LATER, version=1)
    assert ledger.find_dedup_record(PICTURE) == cached
    assert ledger.cache_result(PICTURE, BEGUN.owner, KEPT, LATER) == cached
    with pytest.raises(DedupRecordMovedError):
        ledger.save_dedup_record(replace(cached, waiting=("c" * 32,)))


@pytest.mark.parametrize("is_there", [True, False])
def test_result_of_a_job_that_does_not_own_the_record_is_not_cached(
    ledger: DedupRecords, *, is_there: bool
) -> None:
    """Another job owns the record by now, or it has expired: the error says which."""
    winner = ledger.save_dedup_record(BEGUN) if is_there else None
    with pytest.raises(DedupRecordMovedError) as lost:
        ledger.cache_result(PICTURE, "b" * 32, KEPT, LATER)
    assert lost.value.winner == winner
    assert ledger.find_dedup_record(PICTURE) == winner


def test_records_expire(account: Account) -> None:
    """DynamoDB deletes an item after the second `expires_at`.

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
