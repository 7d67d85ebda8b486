"""What DynamoDB says when it cannot do what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.dynamodb.table import Table
from cutout.errors import StoreBusyError
from cutout.gate import Gate
from tests.contract.aws import cloud
from tests.contract.jobs.table import TABLE
from tests.unit.core.builders import NOW, a_job

BUSY = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
]


@pytest.fixture
def stubbed() -> Iterator[tuple[DynamoJobs, Stubber]]:
    """The adapter, and a DynamoDB that answers as told."""
    with cloud() as clients:
        client = clients.dynamodb()
        with Stubber(client) as stubber:
            yield DynamoJobs(Table(client, TABLE)), stubber


@pytest.mark.parametrize("code", BUSY)
def test_a_table_that_is_busy_is_tried_again_later(
    code: str,
    stubbed: tuple[DynamoJobs, Stubber],
) -> None:
    """Neither a lost race nor a defect."""
    jobs, stubber = stubbed
    stubber.add_client_error("put_item", code)
    with pytest.raises(StoreBusyError, match=code):
        jobs.claim(a_job())


@pytest.mark.parametrize(
    "reason",
    ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"],
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_transaction_that_collides_is_tried_again_later(
    reason: str,
    place: int,
    stubbed: tuple[DynamoJobs, Stubber],
) -> None:
    """Whichever of its two items another one holds."""
    jobs, stubber = stubbed
    reasons: list[dict[str, Any]] = [{"Code": "None"}, {"Code": "None"}]
    reasons[place] = {"Code": reason}
    stubber.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": reasons},
    )
    with pytest.raises(StoreBusyError):
        jobs.save(a_job(), gate=Gate())


ASKED: dict[str, tuple[str, Callable[[DynamoJobs], object]]] = {
    "a write": ("put_item", lambda jobs: jobs.claim(a_job())),
    "a transaction": ("transact_write_items", lambda jobs: jobs.save(a_job(), gate=Gate())),
    "a postponement": ("update_item", lambda jobs: jobs.postpone(a_job(), NOW)),
    "a read": ("get_item", lambda jobs: jobs.find("f" * 32)),
    "a query": ("query", lambda jobs: jobs.waiting(1)),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_refused_for_another_reason_is_not_swallowed(
    asked: str,
    stubbed: tuple[DynamoJobs, Stubber],
) -> None:
    """A right that is missing must be seen."""
    jobs, stubber = stubbed
    operation, ask = ASKED[asked]
    stubber.add_client_error(operation, "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        ask(jobs)


def test_keys_that_a_batch_left_out_are_asked_for_again(
    stubbed: tuple[DynamoJobs, Stubber],
) -> None:
    """DynamoDB answers a part when it is busy."""
    jobs, stubber = stubbed
    left: Any = {TABLE: {"Keys": [{"pk": {"S": "job#b"}}], "ConsistentRead": True}}
    asked: Any = {
        TABLE: {"Keys": [{"pk": {"S": "job#a"}}, {"pk": {"S": "job#b"}}], "ConsistentRead": True},
    }
    stubber.add_response(
        "batch_get_item",
        {"Responses": {TABLE: []}, "UnprocessedKeys": left},
        {"RequestItems": asked},
    )
    stubber.add_response("batch_get_item", {"Responses": {TABLE: []}}, {"RequestItems": left})
    assert jobs.find_all(["a", "b"]) == []
    stubber.assert_no_pending_responses()


def test_every_page_of_a_count_counts(stubbed: tuple[DynamoJobs, Stubber]) -> None:
    """A megabyte of index a page."""
    jobs, stubber = stubbed
    key = {"pk": {"S": "job#a"}, "lane": {"S": "holding"}, "lane_at": {"N": "1"}}
    stubber.add_response("query", {"Count": 3, "LastEvaluatedKey": key})
    stubber.add_response("query", {"Count": 2})
    assert jobs.count_holding() == 5
