"""One suite, two stores: the fake that the lower tiers trust, and DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from tests.contract.dynamodb.table import CALLS, TABLE, Store, create_calls_table, create_table
from tests.support.aws_account import Account
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.jobs import MemoryJobs


@pytest.fixture
def store(account_or_fake: Account | None) -> Iterator[Store]:
    """An empty store."""
    if account_or_fake is None:
        yield MemoryJobs(FakeClock())
        return
    with account_or_fake() as clients:
        create_table(clients.dynamodb())
        create_calls_table(clients.dynamodb())
        yield DynamoJobs(Table(clients.dynamodb(), TABLE), calls_table=CALLS)
