"""DynamoDB's errors: a busy table, collided transactions, missing permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.errors import StoreBusyError
from cutout.domain.gate.pauses_and_slots import ShardChange
from cutout.ports.jobs_table import GateMovedError
from tests.contract.dynamodb.table import TABLE
from tests.support.aws_account import cloud
from tests.support.builders import NOW, a_job
from tests.support.whole_table import WholeTable

TRIES = 6
TAKES = [ShardChange(shard=0, takes="a")]
BUSY = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
]


@pytest.fixture
def stubbed(waits: list[float]) -> Iterator[tuple[WholeTable, Stubber]]:
    """The adapter, and a DynamoDB that gives prepared answers."""
    with cloud() as clients:
        client = clients.dynamodb
        with Stubber(client) as stubber:
            yield WholeTable(Table(client, TABLE, sleep=waits.append)), stubber


@pytest.fixture
def waits() -> list[float]:
    """How long the adapter has waited, each time."""
    return []


def collides(stubber: Stubber, reasons: list[str], times: int = 1) -> None:
    """Have so many transactions canceled for these reasons, one per item."""
    for _ in range(times):
        stubber.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            modeled_fields={"CancellationReasons": [{"Code": reason} for reason in reasons]},
        )


@pytest.mark.parametrize("code", BUSY)
def test_write_to_a_busy_table_is_repeated(
    code: str,
    stubbed: tuple[WholeTable, Stubber],
) -> None:
    """A few times by the adapter, then by the queue: it is neither a lost race nor a defect."""
    jobs, stubber = stubbed
    for _ in range(TRIES):
        stubber.add_client_error("put_item", code)
    with pytest.raises(StoreBusyError, match=code):
        jobs.claim(a_job())
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    "reason",
    ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"],
)
@pytest.mark.parametrize("place", [0, 1])
def test_transaction_that_collides_is_repeated(
    reason: str,
    place: int,
    stubbed: tuple[WholeTable, Stubber],
) -> None:
    """Whichever of its two items another transaction holds; first by the adapter itself."""
    jobs, stubber = stubbed
    reasons = ["None", "None"]
    reasons[place] = reason
    collides(stubber, reasons, TRIES)
    with pytest.raises(StoreBusyError):
        jobs.save(a_job(), gate=TAKES)
    stubber.assert_no_pending_responses()


def test_transaction_that_collides_in_a_shard_is_repeated_at_once(
    stubbed: tuple[WholeTable, Stubber],
    waits: list[float],
) -> None:
    """Other jobs write to the shard, too; the SDK repeats no transaction that was canceled."""
    jobs, stubber = stubbed
    collides(stubber, ["None", "TransactionConflict"])
    stubber.add_client_error("transact_write_items", "TransactionInProgressException")
    stubber.add_response("transact_write_items", {})
    job = a_job()
    assert jobs.save(job, gate=TAKES).version == job.version + 1
    stubber.assert_no_pending_responses()
    assert [0 <= wait < 0.1 * 2**number for number, wait in enumerate(waits)] == [True, True]


def test_repeat_of_a_canceled_transaction_has_another_token(waits: list[float]) -> None:
    """It was not made. One that may have been made is repeated with the same token."""
    ids = iter("abcde")
    with cloud() as clients:
        client = clients.dynamodb
        with Stubber(client) as stubber:
            jobs = WholeTable(Table(client, TABLE, sleep=waits.append, new_id=lambda: next(ids)))
            sent = {"TransactItems": ANY}
            collided = {"CancellationReasons": [{"Code": "TransactionConflict"}]}
            canceled, under_way = "TransactionCanceledException", "TransactionInProgressException"
            for token, code, fields in (
                ("a", canceled, collided),
                ("b", under_way, {}),
                ("b", canceled, collided),
            ):
                stubber.add_client_error(
                    "transact_write_items",
                    code,
                    modeled_fields=fields,
                    expected_params=sent | {"ClientRequestToken": token},
                )
            told = sent | {"ClientRequestToken": "c"}
            stubber.add_response("transact_write_items", {}, told)
            jobs.save(a_job(), gate=TAKES)
            stubber.assert_no_pending_responses()


def test_slot_that_was_taken_while_transactions_collided_is_a_lost_race(
    stubbed: tuple[WholeTable, Stubber],
) -> None:
    """The gate is read again."""
    jobs, stubber = stubbed
    collides(stubber, ["None", "TransactionConflict"])
    collides(stubber, ["None", "ConditionalCheckFailed"])
    with pytest.raises(GateMovedError):
        jobs.save(a_job(), gate=TAKES)


def test_job_that_is_being_written_is_not_postponed(
    stubbed: tuple[WholeTable, Stubber],
) -> None:
    """Sweep has just enqueued it, and its worker writes it: that must not end Sweep's run."""
    jobs, stubber = stubbed
    stubber.add_client_error("update_item", "TransactionConflictException")
    stubber.add_client_error("update_item", "ConditionalCheckFailedException")
    jobs.postpone(a_job(), NOW)
    stubber.assert_no_pending_responses()


ASKED: dict[str, tuple[str, Callable[[WholeTable], object]]] = {
    "a write": ("put_item", lambda jobs: jobs.claim(a_job())),
    "a transaction": ("transact_write_items", lambda jobs: jobs.save(a_job(), gate=TAKES)),
    "a postponement": ("update_item", lambda jobs: jobs.postpone(a_job(), NOW)),
    "a read": ("get_item", lambda jobs: jobs.find("f" * 32)),
    "a query": ("query", lambda jobs: jobs.waiting(1)),
    "an update": ("update_item", lambda jobs: jobs.free_slot(0, "a")),
}


@pytest.mark.parametrize("code", BUSY[:3])
@pytest.mark.parametrize(
    ("operation", "read"),
    [
        ("get_item", lambda jobs: jobs.find("f" * 32)),
        ("batch_get_item", lambda jobs: jobs.read_gate()),
        ("query", lambda jobs: jobs.waiting(1)),
    ],
)
def test_a_read_of_a_busy_table_does_not_count_for_its_job(
    code: str,
    operation: str,
    read: Callable[[WholeTable], object],
    stubbed: tuple[WholeTable, Stubber],
) -> None:
    """The SDK has repeated it; then the queue does, as after a busy write."""
    jobs, stubber = stubbed
    stubber.add_client_error(operation, code)
    with pytest.raises(StoreBusyError, match=code):
        read(jobs)


@pytest.mark.parametrize("code", BUSY)
def test_update_of_a_busy_table_is_repeated(code: str, stubbed: tuple[WholeTable, Stubber]) -> None:
    """Like any other write."""
    jobs, stubber = stubbed
    for _ in range(TRIES):
        stubber.add_client_error("update_item", code)
    with pytest.raises(StoreBusyError, match=code):
        jobs.free_slot(0, "a")
    stubber.assert_no_pending_responses()


def test_update_that_collides_with_a_transaction_is_repeated(
    stubbed: tuple[WholeTable, Stubber],
) -> None:
    """Sweep frees a slot while a job takes another one of the same shard."""
    jobs, stubber = stubbed
    stubber.add_client_error("update_item", "TransactionConflictException")
    stubber.add_response("update_item", {})
    jobs.free_slot(0, "a")
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("asked", ASKED)
def test_other_errors_of_dynamodb_are_raised(
    asked: str,
    stubbed: tuple[WholeTable, Stubber],
) -> None:
    """A missing permission must be noticed."""
    jobs, stubber = stubbed
    operation, ask = ASKED[asked]
    stubber.add_client_error(operation, "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        ask(jobs)


def test_keys_that_a_batch_left_out_are_requested_again(
    stubbed: tuple[WholeTable, Stubber],
    waits: list[float],
) -> None:
    """DynamoDB answers in part when it is busy; after a pause, it answers more."""
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
    assert len(waits) == 1
