"""The tests of this folder run on two stores: the fake that unit tests use, and DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoCallBodies, DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.ports.jobs_table import CallBodies, DedupRecords
from tests.contract.dynamodb.table import CALLS, TABLE, Store, create_calls_table, create_table
from tests.support.aws_account import Account
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.jobs import MemoryJobs
from tests.support.whole_table import WholeTable


@pytest.fixture
def stores(account_or_fake: Account | None) -> Iterator[tuple[Store, DedupRecords]]:
    """An empty table, by both of its adapters."""
    if account_or_fake is None:
        jobs = MemoryJobs(FakeClock())
        yield jobs, jobs.pictures
        return
    with account_or_fake() as clients:
        create_table(clients.dynamodb)
        table = Table(clients.dynamodb, TABLE)
        yield WholeTable(table), DynamoDedupRecords(table)


@pytest.fixture
def store(stores: tuple[Store, DedupRecords]) -> Store:
    """The jobs and the gate of an empty table."""
    return stores[0]


@pytest.fixture
def records(stores: tuple[Store, DedupRecords]) -> DedupRecords:
    """The deduplication records of the same table."""
    return stores[1]


@pytest.fixture
def bodies(account_or_fake: Account | None) -> Iterator[CallBodies]:
    """An empty table of calls' bodies."""
    if account_or_fake is None:
        yield MemoryJobs(FakeClock())
        return
    with account_or_fake() as clients:
        create_calls_table(clients.dynamodb)
        yield DynamoCallBodies(Table(clients.dynamodb, CALLS))
