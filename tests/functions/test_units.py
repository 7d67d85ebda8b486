"""Units of DynamoDB, calculated from the requests that were sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.benchmarks.units import Units, size_of
from tests.contract.dynamodb.table import CALLS, TABLE
from tests.functions.wire import Sent
from tests.support.aws_account import cloud

_KEY = {"pk": {"S": "job#1"}}


@pytest.fixture
def units() -> Iterator[Units]:
    """Units of an account to which nothing was sent."""
    with cloud() as clients:
        yield Units(clients.dynamodb)


def _job(**more: Any) -> dict[str, Any]:
    """An item of the jobs table, with an entry in the index `state`."""
    return {**_KEY, "state": {"S": "queued"}, "updated_at": {"N": "1"}, **more}


def _put(item: dict[str, Any], condition: str | None = None, table: str = TABLE) -> dict[str, Any]:
    put = {"TableName": table, "Item": item}
    return put if condition is None else put | {"ConditionExpression": condition}


def _update(pk: str, expression: str, **values: dict[str, Any]) -> dict[str, Any]:
    return {
        "TableName": TABLE,
        "Key": {"pk": {"S": pk}},
        "UpdateExpression": expression,
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


def _sent(operation: str, body: dict[str, Any]) -> Sent:
    return Sent(function="submit", service="dynamodb", operation=operation, body=body)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (_job(), 1),
        (_job(updated_at={"N": "2"}), 1 + 2),
        (_job(note={"S": "x" * 1024}), 2),
        (_KEY, 1 + 1),
    ],
    ids=["the same", "another key in an index", "over a kilobyte", "out of the index"],
)
def test_write_takes_a_unit_per_kilobyte_and_one_per_changed_index_entry(
    item: dict[str, Any], expected: int, units: Units
) -> None:
    """An entry that changes its keys is deleted and written; one that does not is left."""
    assert units.of(_sent("PutItem", _put(_job()))) == 2
    assert units.of(_sent("PutItem", _put(item))) == expected


def test_update_takes_the_units_of_the_whole_item(units: Units) -> None:
    """However little of it is changed."""
    units.of(_sent("PutItem", _put(_job(note={"S": "x" * 1024}))))
    update = _update("job#1", "SET seen_by = :one", one={"S": "1"})
    assert units.of(_sent("UpdateItem", update)) == 2
    update = _update("job#1", "SET updated_at = :two", two={"N": "2"})
    assert units.of(_sent("UpdateItem", update | {"ReturnValues": "ALL_OLD"})) == 2 + 2


def test_transaction_writes_each_item_twice_and_each_entry_once(units: Units) -> None:
    """To prepare, and to commit; writes of the gate are counted."""
    takes = _update("gate#0", "ADD holders :name", name={"SS": ["1.a.1"]})
    writes = [{"Put": _put(_job())}, {"Update": takes}]
    assert units.of(_sent("TransactWriteItems", {"TransactItems": writes})) == 2 + 1 + 2
    assert units.gate_writes == {"gate#0": 1}


def test_body_in_the_other_table_has_no_index_entry(units: Units) -> None:
    """It has the key of its job, and nothing else that indexes hold."""
    body = {"pk": {"S": "1.a"}, "body": {"S": "x" * 1100}}
    assert units.of(_sent("PutItem", _put(body, table=CALLS))) == 2
    assert not units.index_writes


def test_write_that_lost_takes_its_units_and_changes_nothing(units: Units) -> None:
    """DynamoDB charges for reading the item."""
    units.of(_sent("PutItem", _put(_job())))
    lost = _put(_job(state={"S": "storing"}), "attribute_not_exists(pk)")
    assert units.of(_sent("PutItem", lost)) == 1
    writes = [{"Put": lost}, {"Put": _put({"pk": {"S": "gate"}})}]
    assert units.of(_sent("TransactWriteItems", {"TransactItems": writes})) == 2 + 2
    assert "state storing" not in units.index_writes
    assert not units.gate_writes


def test_read_takes_a_unit_per_four_kilobytes(units: Units) -> None:
    """Also of an item that does not exist, and for each item of a batch."""
    key = {"TableName": TABLE, "Key": _KEY}
    batch = {"RequestItems": {TABLE: {"Keys": [_KEY, {"pk": {"S": "gate"}}]}}}
    assert units.of(_sent("GetItem", key)) == 1
    units.of(_sent("PutItem", _put(_job(note={"S": "x" * 4096}))))
    assert units.of(_sent("GetItem", key)) == 2
    assert units.of(_sent("BatchGetItem", batch)) == 2 + 1
    query = {"TableName": TABLE, "IndexName": "due"}
    assert units.of(_sent("Query", query)) * 2 == 1


def test_item_is_as_large_as_its_names_and_values() -> None:
    """As DynamoDB's guide defines it, the overhead of maps and lists included."""
    assert size_of({"pk": {"S": "ü"}}) == 4
    assert size_of({"n": {"N": "1234"}}) == 1 + 3
    assert size_of({"s": {"SS": ["ab", "c"]}}) == 1 + 3
    assert size_of({"m": {"M": {"a": {"BOOL": True}}}}) == 1 + 3 + 1 + 1 + 1
    assert size_of({"l": {"L": [{"NULL": True}, {"S": "ab"}]}}) == 1 + 3 + 2 + 1 + 2
