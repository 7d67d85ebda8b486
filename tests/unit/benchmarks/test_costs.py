"""The costs at AWS: from counted requests to the tables of the page."""

from __future__ import annotations

from decimal import Decimal

from tests.benchmarks.computing import Computed
from tests.benchmarks.costs import a_month, a_thousand, limits, of_photo, of_runs, rows, sizes
from tests.benchmarks.counting import Count
from tests.support.pages import PAGES

PAGE = PAGES["infra/README.md"]
NOTHING = Count(runs={}, log_bytes={}, requests={}, units={}, index_writes={}, gate_writes={})


def test_the_page_has_the_printed_tables() -> None:
    """`python -m tests.benchmarks.costs` prints them."""
    assert [row for row in [*rows(), *sizes()] if row not in PAGE.splitlines()] == []
    assert [line for line in limits() if line not in PAGE.replace("\n", " ")] == []


def test_the_first_page_has_the_sums() -> None:
    """Cents for a photo, dollars for a month."""
    photo = sum(line["paid"] for line in a_thousand().values()) / 10
    month = sum(a_month().values())
    page = " ".join(PAGES["README.md"].split())
    assert f"about {photo:.2f} US cents at AWS" in page
    assert f"about {month:.0f} US dollars a month" in page


def test_counted_requests_are_converted_to_dollars() -> None:
    """Two puts, a message with its receipt and deletion, a write unit, a GB of logs."""
    count = Count(
        runs={"sweep": 1},
        log_bytes={"sweep": 1_000_000_000},
        requests={"submit s3:PutObject": 2, "submit sqs:SendMessageBatch": 1},
        units={"submit dynamodb:PutItem": 1.0, "submit dynamodb:Query": 0.5},
        index_writes={},
        gate_writes={},
    )
    dollars: dict[str, Decimal] = {}
    computed = {"sweep": Computed(ready=0.2, first=0.1, warm=0.05, peak_mb=40)}
    for service, one in of_runs(count, computed):
        dollars[service] = dollars.get(service, Decimal(0)) + one
    assert {name: round(one, 12) for name, one in dollars.items()} == {
        "S3": Decimal("0.00001"),
        "SQS": Decimal("0.0000012"),
        "DynamoDB": Decimal("0.0000006875"),
        # One run: 0.05 s of computing and 2 % of 0.25 s more, at 256/1769 of a processor
        "Lambda": round(
            Decimal("0.0000002") + Decimal("0.055") * 1769 / 1024 * Decimal("0.0000133334"), 12
        ),
        "CloudWatch Logs": Decimal("0.5"),
    }


def test_an_upload_costs_an_event_and_a_message_even_without_requests() -> None:
    """Costs that are visible in no request are estimated."""
    told = dict(of_photo(NOTHING, NOTHING))
    assert (told["EventBridge"], told["SQS"]) == (Decimal("0.000001"), Decimal("0.0000012"))
    assert told["API Gateway"] == told["traffic to the provider"] == 0


def test_the_most_expensive_service_comes_first() -> None:
    """Every line is above zero."""
    paid = [line["paid"] for line in a_thousand().values()]
    assert paid == sorted(paid, reverse=True)
    assert all(one > 0 for one in paid)
