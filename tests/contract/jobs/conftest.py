"""One suite, two stores: the fake that the lower tiers trust, and DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.dynamodb.table import Table
from tests.contract.aws import cloud
from tests.contract.jobs.table import CALLS, TABLE, Store, create_calls_table, create_table
from tests.fakes.clock import FakeClock
from tests.fakes.jobs import MemoryJobs


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store."""
    if request.param == "memory":
        yield MemoryJobs(FakeClock())
        return
    with cloud() as clients:
        create_table(clients.dynamodb())
        create_calls_table(clients.dynamodb())
        yield DynamoJobs(Table(clients.dynamodb(), TABLE), calls_table=CALLS)
