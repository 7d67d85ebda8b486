"""What AWS takes: from what was counted to the tables of the page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.benchmarks.costs import a_month, a_thousand, limits, of_photo, of_runs, rows
from tests.benchmarks.counting import Count
from tests.benchmarks.units import Units, size_of
from tests.functions.wire import Sent
from tests.support.pages import PAGES

PAGE = PAGES["infra/README.md"]
NOTHING = Count(runs={}, log_bytes={}, requests={}, units={}, index_writes={}, gate_writes=0)


def test_the_page_has_the_tables_as_they_are_printed() -> None:
    """`python -m tests.benchmarks.costs` prints what it shall have."""
    assert [row for row in rows() if row not in PAGE.splitlines()] == []
    assert [line for line in limits() if line not in PAGE.replace("\n", " ")] == []


def test_the_first_page_says_what_they_add_up_to() -> None:
    """Cents for a photo, dollars for a month."""
    photo = sum(line["bought"] for line in a_thousand().values()) / 10
    month = sum(a_month().values())
    page = " ".join(PAGES["README.md"].split())
    assert f"about {photo:.2f} US cents at AWS" in page
    assert f"about {month:.0f} US dollars a month" in page


def test_what_was_counted_becomes_dollars() -> None:
    """Two puts, a message that is received and deleted as well, a unit written, a GB logged."""
    count = Count(
        runs={"sweep": 1},
        log_bytes={"sweep": 1_000_000_000},
        requests={"submit s3:PutObject": 2, "submit sqs:SendMessageBatch": 1},
        units={"submit dynamodb:PutItem": 1.0, "submit dynamodb:Query": 0.5},
        index_writes={},
        gate_writes=0,
    )
    dollars: dict[str, Decimal] = {}
    for service, one in of_runs(count):
        dollars[service] = dollars.get(service, Decimal(0)) + one
    assert dollars == {
        "S3": Decimal("0.00001"),
        "SQS": Decimal("0.0000012"),
        "DynamoDB": Decimal("0.0000006875"),
        # 256 MB for half a second, and one run
        "Lambda": Decimal("0.0000002") + Decimal("0.125") * Decimal("0.0000133334"),
        "CloudWatch Logs": Decimal("0.5"),
    }


def test_an_upload_is_an_event_and_a_message_even_if_nothing_is_asked_of_aws() -> None:
    """What no request shows is reckoned."""
    told = dict(of_photo(NOTHING, NOTHING))
    assert (told["EventBridge"], told["SQS"]) == (Decimal("0.000001"), Decimal("0.0000012"))
    assert told["API Gateway"] == told["traffic to the provider"] == 0


def test_the_dearest_service_comes_first() -> None:
    """The largest costs come first."""
    bought = [line["bought"] for line in a_thousand().values()]
    assert bought == sorted(bought, reverse=True)
    assert all(one > 0 for one in bought)


def _job(**more: Any) -> dict[str, Any]:
    """An item of the jobs table, with an entry in the index `state`."""
    return {"pk": {"S": "job#1"}, "state": {"S": "queued"}, "updated_at": {"N": "1"}, **more}


def _put(item: dict[str, Any], condition: str = "#version = :version") -> dict[str, Any]:
    return {"Item": item, "ConditionExpression": condition}


def _sent(operation: str, body: dict[str, Any]) -> Sent:
    return Sent(function="submit", service="dynamodb", operation=operation, body=body)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (_job(), 1),
        (_job(updated_at={"N": "2"}), 1 + 2),
        (_job(note={"S": "x" * 1024}), 2),
        ({"pk": {"S": "job#1"}}, 1 + 1),
    ],
    ids=["the same", "another key in an index", "over a kilobyte", "out of the index"],
)
def test_a_write_takes_a_unit_a_kilobyte_and_one_for_each_entry_of_an_index(
    item: dict[str, Any], expected: int
) -> None:
    """An entry that changes its keys is deleted and written; one that does not is left."""
    units = Units()
    assert units.of(_sent("PutItem", _put(_job()))) == 2
    assert units.of(_sent("PutItem", _put(item))) == expected


def test_a_transaction_writes_each_item_twice_and_each_entry_once() -> None:
    """To prepare, and to commit; and the gate's writes are counted."""
    units = Units()
    puts = [{"Put": _put(_job())}, {"Put": _put({"pk": {"S": "gate"}})}]
    assert units.of(_sent("TransactWriteItems", {"TransactItems": puts})) == 2 + 1 + 2
    assert units.gate_writes == 1


def test_a_claim_that_loses_takes_a_unit_and_changes_nothing() -> None:
    """DynamoDB charges for the look at what stands there."""
    units = Units()
    units.of(_sent("PutItem", _put(_job())))
    lost = _put(_job(state={"S": "storing"}), "attribute_not_exists(pk)")
    assert units.of(_sent("PutItem", lost)) == 1
    assert "state storing" not in units.index_writes


def test_a_read_takes_a_unit_for_four_kilobytes() -> None:
    """Of an item that is not there as well."""
    units = Units()
    key = {"Key": {"pk": {"S": "job#1"}}}
    assert units.of(_sent("GetItem", key)) == 1
    units.of(_sent("PutItem", _put(_job(note={"S": "x" * 4096}))))
    assert units.of(_sent("GetItem", key)) == 2


def test_an_item_is_as_large_as_its_names_and_values() -> None:
    """As DynamoDB's guide has it, the overhead of maps and lists included."""
    assert size_of({"pk": {"S": "ü"}}) == 4
    assert size_of({"n": {"N": "1234"}}) == 1 + 3
    assert size_of({"m": {"M": {"a": {"BOOL": True}}}}) == 1 + 3 + 1 + 1 + 1
    assert size_of({"l": {"L": [{"NULL": True}, {"S": "ab"}]}}) == 1 + 3 + 2 + 1 + 2
